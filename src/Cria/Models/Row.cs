namespace Cria.Models;

/// <summary>One token of a batch.</summary>
/// <param name="Sequence">The sequence it continues.</param>
/// <param name="Position">Its position: the sequence's length for the first row of the sequence in a batch, then one more each.</param>
/// <param name="Token">Its id, in [0, vocabulary size).</param>
/// <param name="WantsLogits">Whether the logits after it are computed.</param>
/// <param name="WantsState">Whether its last hidden state, after the final norm, is given.</param>
public readonly record struct Row(Sequence Sequence, int Position, int Token, bool WantsLogits, bool WantsState = false);
