namespace Cria.Formats;

/// <summary>
/// How Meta's quantized models are to be computed (spec section 8): int4 weights with a scale for each group of columns, int8 rows of
/// embedding and output matrix, and activations that become int8 row by row.
/// </summary>
/// <param name="GroupSize">Columns that share a scale, 32 in the published models.</param>
/// <param name="IsRotated">SpinQuant: the input of the down projection is multiplied by the orthonormal Hadamard matrix.</param>
/// <param name="AdaptorRank">QLoRA: the rank of the adaptors that every matrix of the blocks has; 0 for none.</param>
/// <param name="AdaptorScale">What their product is multiplied by.</param>
public sealed record MetaQuantization(int GroupSize, bool IsRotated, int AdaptorRank, float AdaptorScale)
{
    /// <summary>The tensors that belong to a role's matrix beside its codes: name behind the role's own, and shape.</summary>
    internal IEnumerable<(string Part, long[] Shape)> Parts(TensorRole role, ModelConfig config)
    {
        if (TensorRoles.Shape(role, config) is not [var rows, var columns])
            yield break;
        var isRow = role is TensorRole.Embedding or TensorRole.Output;
        yield return (Scales, [rows, isRow ? 1 : columns / GroupSize]);
        if (isRow || AdaptorRank == 0)
            yield break;
        yield return (AdaptorIn, [AdaptorRank, columns]);
        yield return (AdaptorOut, [rows, AdaptorRank]);
    }

    internal const string Scales = "scales", AdaptorIn = "adaptor.A.weight", AdaptorOut = "adaptor.B.weight";
}
