namespace Cria.Tokenization;

/// <summary>
/// The pairs that a file lists as merges. The encoder merges by rank, any two tokens whose bytes together are a token, which is what the
/// listed pairs say if every split of every token is among them, as in Llama 3; the splits that are not are forbidden in the vocabulary.
/// </summary>
/// <param name="vocabulary">The tokens.</param>
/// <param name="field">Where the merges stand, for errors.</param>
sealed class MergeRules(Vocabulary vocabulary, string field)
{
    const int MaxPairs = 1 << 20; // Llama 3 has 280147

    readonly HashSet<ulong> _pairs = [];
    int _last = -1;

    /// <summary>Adds the next pair.</summary>
    /// <exception cref="CriaException">One of the three is no token, or merges are not in the order of the tokens they make.</exception>
    public void Add(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, ReadOnlySpan<byte> merged)
    {
        var (first, second, id) = (vocabulary.Find(left), vocabulary.Find(right), vocabulary.Find(merged));
        if (first < 0 || second < 0 || id < 0)
            throw new CriaException($"{field} holds a pair, entry {_pairs.Count}, that is not in the vocabulary");
        if (id < _last)
            throw new CriaException($"{field} is not in the order of the ids at the token {id}: not a Llama 3 vocabulary");
        _last = id;
        if (_pairs.Add(Vocabulary.PairKey(first, second)) && _pairs.Count > MaxPairs)
            throw new CriaException($"{field} holds more than {MaxPairs} pairs");
    }

    /// <summary>Forbids the splits that were not added.</summary>
    public void Apply()
    {
        var forbidden = new HashSet<ulong>();
        for (var id = 0; id < vocabulary.Count; id++)
        {
            var token = vocabulary[id];
            for (var middle = 1; middle < token.Length; middle++)
                if (vocabulary.Find(token[..middle]) is var left and >= 0 && vocabulary.Find(token[middle..]) is var right and >= 0
                    && Vocabulary.PairKey(left, right) is var pair && !_pairs.Contains(pair))
                    forbidden.Add(pair);
        }
        if (forbidden.Count > 0)
            vocabulary.Forbid(forbidden);
    }
}
