using System.Numerics.Tensors;

namespace Cria.Generation.Constraints;

/// <summary>What the vocabulary's tokens do from a state of a terminal.</summary>
/// <param name="Owner">Who found it: another's vocabulary may be another.</param>
/// <param name="Slice">The cut that serves: all its plain tokens stay inside the terminal.</param>
/// <param name="Inside">Of its other tokens those that stay inside.</param>
/// <param name="Exits">The places in its trie where the terminal may be over and more bytes follow.</param>
sealed record Reach(Masks Owner, TokenSlice Slice, int[] Inside, int[] Exits);

/// <summary>
/// The tokens that may follow a state, exactly: those that stay inside a terminal, found once for each state of the terminal, and below
/// each place where it may end those that go on with what follows it. Not thread-safe.
/// </summary>
sealed class Masks(TokenSlices vocabulary, Regulars regulars, Regular character, Regular plainCharacter, Parser parser)
{
    const int MostCompared = 32; // states: more would cost more than the walk that a longer run saves

    readonly Regular?[] _way = new Regular?[TokenTrie.MostBytes + 1];
    readonly ParserState?[] _states = new ParserState?[TokenTrie.MostBytes + 1];
    readonly List<int> _beyond = [];

    /// <summary>Writes the mask of a state.</summary>
    public void Write(ParserState state, ulong[] mask)
    {
        Array.Clear(mask);
        foreach (var (terminal, _) in state.Items)
        {
            var reach = terminal.Reach is { } found && found.Owner == this ? found : terminal.Reach = Find(terminal);
            if (reach.Slice.Length > 0)
                TensorPrimitives.BitwiseOr(mask, reach.Slice.Plain, mask);
            Allow(reach.Inside, mask);
        }
        if (state.Beyond?.Owner != this)
            state.Beyond = (this, Beyond(state));
        Allow(state.Beyond.Value.Tokens, mask);
    }

    static void Allow(int[] tokens, ulong[] mask)
    {
        foreach (var token in tokens)
            mask[token >> 6] |= 1UL << token;
    }

    /// <summary>The tokens that leave one of the terminals and go on with what follows it.</summary>
    int[] Beyond(ParserState state)
    {
        _beyond.Clear();
        foreach (var (terminal, rest) in state.Items)
            if (terminal.Reach!.Exits.Length > 0 && parser.Closure(rest) is { Items.Length: > 0 } after)
                foreach (var exit in terminal.Reach.Exits)
                    Follow(terminal.Reach.Slice.Others.Nodes, exit, after);
        return _beyond.Count == 0 ? [] : [.. _beyond];
    }

    /// <summary>Collects the tokens below a place that go on from a state.</summary>
    void Follow(TrieNode[] nodes, int place, ParserState state)
    {
        var (end, start) = (nodes[place].Next, nodes[place].Depth);
        _states[start] = state;
        for (var i = place + 1; i < end;)
        {
            ref readonly var node = ref nodes[i];
            var from = _states[node.Depth - 1]!;
            var to = parser.Step(from, node.Byte);
            if (to.IsDead)
            {
                i = node.Next;
                continue;
            }
            if (node.Token >= 0)
                _beyond.Add(node.Token);
            _states[node.Depth] = to;
            i++;
        }
    }

    Reach Find(Regular terminal)
    {
        var free = FreeRun(terminal);
        var slice = vocabulary.Slices[0];
        foreach (var cut in vocabulary.Slices)
            if (cut.Length <= free)
                slice = cut;
        var nodes = slice.Others.Nodes;
        List<int> inside = [], exits = [];
        _way[0] = terminal;
        for (var i = 0; i < nodes.Length;)
        {
            ref readonly var node = ref nodes[i];
            var from = _way[node.Depth - 1]!;
            var to = from.Next is { } table ? table[from.Runs![node.Byte]] : null;
            if (to is null || to.Life == Life.Unknown)
                to = regulars.Step(from, node.Byte);
            if (to.Life == Life.Dead)
            {
                i = node.Next;
                continue;
            }
            if (node.Token >= 0)
                inside.Add(node.Token);
            if (to.IsNullable && node.Next > i + 1)
                exits.Add(i);
            if (to.Kind == RegularKind.Empty)
            {
                i = node.Next;
                continue;
            }
            _way[node.Depth] = to;
            i++;
        }
        return new(this, slice, [.. inside], [.. exits]);
    }

    /// <summary>A number of plain characters that may follow whatever they are; <see cref="int.MaxValue"/> if there is no end of them.</summary>
    int FreeRun(Regular state)
    {
        if (state.Kind == RegularKind.Repeat && state.Left == character)
            return state.Max;
        var run = state.Kind == RegularKind.Concat ? FreeRun(state.Left!) : state.Kind == RegularKind.And ? FreeRunOfAll(state.Parts) : 0;
        return run >= TokenSlices.MostCounted ? run : Math.Max(run, Nearest(state).Run);
    }

    /// <summary>
    /// The same of an intersection as one can tell without stepping through it, as it may have very many states: a limit on the number of
    /// characters is lifted and finitely many words that are excluded are let in.
    /// </summary>
    int FreeRunOfAll(Regular[] parts)
    {
        var (most, isLimited, wider) = (int.MaxValue, false, new List<Regular>());
        foreach (var part in parts)
            if (part is { Kind: RegularKind.Concat, Left: { Kind: RegularKind.Repeat, Min: 0, Max: < Regular.Unbounded } count } && count.Left == character)
            {
                most = Math.Min(most, count.Max);
                wider.Add(regulars.Concat(regulars.Repeat(character, 0, Regular.Unbounded), part.Right!));
            }
            else if (part is { Kind: RegularKind.Not, Left.IsFinite: true })
                isLimited = true;
            else
                wider.Add(part);
        if (most == int.MaxValue && !isLimited)
            return 0;
        var (run, end) = Nearest(regulars.And(wider));
        if (isLimited)
            return run == int.MaxValue && most == int.MaxValue ? run : 0; // infinitely many words, of which finitely many are excluded
        return (int)Math.Clamp(most - end, 0, run); // after so many characters the shortest end still fits
    }

    /// <summary>
    /// The plain characters up to the nearest state at which one may not follow, as far as it is looked for, and the bytes of the longest of
    /// the shortest ends from the states up to there.
    /// </summary>
    (int Run, long End) Nearest(Regular start)
    {
        var seen = new HashSet<Regular> { start };
        List<Regular> level = [start];
        var end = 0L;
        for (var distance = 0; level.Count > 0; distance++)
        {
            var next = new List<Regular>();
            foreach (var state in level)
            {
                end = Math.Max(end, regulars.Shortest(state));
                if (distance == TokenSlices.MostCounted || seen.Count > MostCompared || AfterCharacter(state).Length == 0)
                    return (distance, end);
                foreach (var after in AfterCharacter(state))
                    if (seen.Add(after))
                        next.Add(after);
            }
            level = next;
        }
        return (int.MaxValue, end);
    }

    Regular[] AfterCharacter(Regular state)
    {
        if (state.AfterCharacter is { } known)
            return known;
        var after = new HashSet<Regular>();
        return state.AfterCharacter = Collect(state, plainCharacter, after) ? [.. after] : [];
    }

    /// <summary>Collects what follows each plain character; false if one cannot follow.</summary>
    bool Collect(Regular state, Regular character, HashSet<Regular> after)
    {
        if (character.Kind == RegularKind.Empty)
        {
            after.Add(state);
            return true;
        }
        var edges = state.Edges | character.Edges;
        for (var start = 0; start < 256; start = edges.Next(start + 1))
            if (character.First.Contains((byte)start))
            {
                var next = regulars.Step(state, (byte)start);
                if (next.Kind == RegularKind.Nothing || !Collect(next, regulars.Step(character, (byte)start), after))
                    return false;
            }
        return true;
    }
}
