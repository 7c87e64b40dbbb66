namespace Cria.Training.Data;

/// <summary>A document and what is to be learnt of it: the label of a place is the next token, or <see cref="NoLabel"/>.</summary>
/// <param name="Tokens">Ids.</param>
/// <param name="Labels">As many, shifted within the document before packing (training spec 1.1).</param>
readonly record struct TrainingDocument(int[] Tokens, int[] Labels)
{
    /// <summary>A place whose prediction is not learnt.</summary>
    public const int NoLabel = -100;

    /// <summary>A document of which everything is learnt.</summary>
    public static TrainingDocument Text(int[] tokens) => Of(tokens, _ => true);

    /// <summary>A document of which those tokens are learnt that the function names by their index.</summary>
    public static TrainingDocument Of(int[] tokens, Func<int, bool> learnt)
    {
        var labels = new int[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
            labels[i] = i + 1 < tokens.Length && learnt(i + 1) ? tokens[i + 1] : NoLabel;
        return new(tokens, labels);
    }
}
