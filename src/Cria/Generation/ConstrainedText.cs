using Cria.Generation.Constraints;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>An answer under a constraint: what may come next, and whether there is room to end properly. For one thread.</summary>
sealed class ConstrainedText
{
    const int BytesForToken = 8;

    readonly ConstraintMatcher _matcher;
    readonly TokenSlices _tokens;
    readonly IReadOnlySet<int> _stopIds;
    readonly Queue<int> _end = []; // the shortest, while nothing else is added

    /// <exception cref="CriaException">The shortest text has no room in <paramref name="maxTokens"/>.</exception>
    public ConstrainedText(ConstraintMatcher matcher, Tokenizer tokenizer, IReadOnlySet<int> stopIds, int maxTokens)
    {
        (_matcher, _tokens, _stopIds) = (matcher, TokenSlices.Of(tokenizer), stopIds);
        if (!HasRoom(matcher.After(), maxTokens))
            throw new CriaException($"max_tokens is {maxTokens}, too few for the shortest text that satisfies the constraint");
    }

    public bool IsOver => _matcher.IsOver;

    /// <summary>Forbids what may not follow: all tokens but those of the mask, and the ends unless the text is complete.</summary>
    public void Restrict(Span<float> logits)
    {
        var mask = _matcher.Mask;
        Span<(int Id, float Logit)> ends = stackalloc (int, float)[Math.Min(_stopIds.Count, 64)];
        var count = 0;
        foreach (var id in _stopIds)
            if (id < logits.Length && count < ends.Length)
                ends[count++] = (id, _matcher.IsComplete ? logits[id] : float.NegativeInfinity);
        for (var word = 0; word * 64 < logits.Length; word++)
        {
            var bits = word < mask.Length ? mask[word] : 0;
            var part = logits[(word * 64)..Math.Min(logits.Length, word * 64 + 64)];
            if (bits == 0)
                part.Fill(float.NegativeInfinity);
            else if (bits != ~0UL)
                for (var i = 0; i < part.Length; i++)
                    if ((bits >> i & 1) == 0)
                        part[i] = float.NegativeInfinity;
        }
        foreach (var (id, logit) in ends[..count])
            logits[id] = logit;
    }

    /// <summary>Adds a token, unless so many tokens after it are too few to complete the text.</summary>
    public bool TryAdd(int id, int left)
    {
        if (_stopIds.Contains(id))
            return true;
        var after = _matcher.After(id);
        if (!HasRoom(after, left))
            return false;
        _matcher.Become(after);
        _end.Clear();
        return true;
    }

    /// <summary>
    /// At most so many tokens of what must follow but for blanks, as a text is usually cut. The last of them is not given, as what comes after may change it.
    /// </summary>
    public IEnumerable<int> Foreseen(int most) => _tokens.Encode(_matcher.Foreseen((most + 1) * BytesForToken)) is { Count: > 1 } tokens ? tokens.SkipLast(1).Take(most) : [];

    /// <summary>Adds the next token of the shortest end, or ends the text if it is complete.</summary>
    /// <exception cref="CriaException">It is complete, and nothing ends it.</exception>
    public int AddShortest()
    {
        if (_matcher.IsComplete && _end.Count == 0)
            return _stopIds.Count > 0 ? _stopIds.Min() : throw new CriaException("the constraint leaves no token that could be completed before max_tokens run out");
        if (_end.Count == 0)
            foreach (var token in _tokens.Encode(_matcher.After().ShortestEnd()))
                _end.Enqueue(token);
        var id = _end.Dequeue();
        _ = _matcher.TryAdvance(id);
        return id;
    }

    bool HasRoom(ConstraintMatcher.Ahead ahead, int tokens) =>
        ahead.Least <= tokens || ahead.Least <= (long)tokens * TokenTrie.MostBytes && _tokens.Encode(ahead.ShortestEnd()).Count <= tokens;
}
