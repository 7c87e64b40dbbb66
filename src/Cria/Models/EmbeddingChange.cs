using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>What an adapter makes of the embedding: another one, or e + s B A[:, token]; A [rank, V], B [D, rank].</summary>
sealed unsafe class EmbeddingChange(PeftModule module)
{
    readonly Embedding? _whole = module.Weight is { } weight ? new Embedding(weight, null) : null;

    /// <summary>From the model's embedding of a token to the adapter's.</summary>
    public void Apply(int token, Span<float> row)
    {
        fixed (float* target = row)
            _whole?.Lookup(token, target);
        if (module is not { A: { } a, B: { } b })
            return;
        for (var r = 0; r < a.Shape[0]; r++)
        {
            var factor = module.Scale * Value(a, r * a.Shape[1] + token);
            for (var i = 0; i < row.Length; i++)
                row[i] += factor * Value(b, i * a.Shape[0] + r);
        }
    }

    static float Value(Tensor tensor, long at)
    {
        float value;
        BlockFormats.Dequantize(tensor.Type, tensor.Data + tensor.Type.Bytes(at), 1, &value);
        return value;
    }
}
