using System.Numerics.Tensors;

namespace Cria.Generation.Constraints;

/// <summary>What the vocabulary's tokens do from a state of a terminal.</summary>
/// <param name="Slice">The cut that serves: all its plain tokens stay inside the terminal.</param>
/// <param name="Inside">Of its other tokens those that stay inside.</param>
/// <param name="Exits">The places in its trie where the terminal may be over and more bytes follow.</param>
sealed record Reach(TokenSlice Slice, int[] Inside, int[] Exits);

/// <summary>
/// The tokens that may follow a state, exactly: those that stay inside a terminal, found once for each state of the terminal, and below
/// each place where it may end those that go on with what follows it. Not thread-safe.
/// </summary>
sealed class Masks(TokenSlices vocabulary, Regulars regulars, Regular anyCharacter, Parser parser)
{
    const int MostMasks = 2000;

    readonly Regular?[] _way = new Regular?[TokenTrie.MostBytes + 1];
    readonly ParserState?[] _states = new ParserState?[TokenTrie.MostBytes + 1];
    readonly List<ParserState> _kept = [];

    public ulong[] Of(ParserState state)
    {
        if (state.Mask is { } known)
            return known;
        var mask = new ulong[vocabulary.Words];
        foreach (var (terminal, rest) in state.Items)
        {
            var reach = terminal.Reach ??= Find(terminal);
            if (reach.Slice.Length > 0)
                TensorPrimitives.BitwiseOr(mask, reach.Slice.Plain, mask);
            foreach (var token in reach.Inside)
                mask[token >> 6] |= 1UL << token;
            if (reach.Exits.Length == 0)
                continue;
            var after = parser.Closure(rest);
            if (after.Items.Length > 0)
                foreach (var exit in reach.Exits)
                    Follow(reach.Slice.Others.Nodes, exit, after, mask);
        }
        if (_kept.Count >= MostMasks)
        {
            _kept.ForEach(s => s.Mask = null);
            _kept.Clear();
        }
        _kept.Add(state);
        return state.Mask = mask;
    }

    /// <summary>Allows the tokens below a place that go on from a state.</summary>
    void Follow(TrieNode[] nodes, int place, ParserState state, ulong[] mask)
    {
        var (end, start) = (nodes[place].Next, nodes[place].Depth);
        _states[start] = state;
        for (var i = place + 1; i < end;)
        {
            ref readonly var node = ref nodes[i];
            var from = _states[node.Depth - 1]!;
            var to = (from.Next is { } table ? table[node.Byte] : null) ?? parser.Step(from, node.Byte);
            if (to.IsDead)
            {
                i = node.Next;
                continue;
            }
            if (node.Token >= 0)
                mask[node.Token >> 6] |= 1UL << node.Token;
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
            var to = from.Next is { } table ? table[node.Byte] : null;
            if (to is null || to.Life == Life.Unknown)
                to = from.First.Contains(node.Byte) ? regulars.Step(from, node.Byte) : Regular.Nothing;
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
        return new(slice, [.. inside], [.. exits]);
    }

    /// <summary>A number of characters that may follow whatever they are; the longest plain token's length is as good as any number.</summary>
    int FreeRun(Regular terminal)
    {
        var enough = vocabulary.Slices[^1].Length;
        if (terminal.FreeRun >= 0)
            return terminal.FreeRun;
        var horizon = 2 * enough;
        var levels = new List<HashSet<Regular>> { new() { terminal } };
        var seen = new HashSet<Regular> { terminal };
        var (run, isEnd) = (0, false);
        for (; run < horizon && !isEnd; run++)
        {
            var next = new HashSet<Regular>();
            foreach (var state in levels[^1])
                if (!AllCharacters(state, anyCharacter, next))
                    isEnd = true;
            if (isEnd || next.Count > 16)
                break;
            next.ExceptWith(seen);
            if (next.Count == 0)
            {
                run = horizon;
                break;
            }
            seen.UnionWith(next);
            levels.Add(next);
        }
        for (var level = 0; level < levels.Count; level++)
            if (run == horizon ? level <= enough : true)
                foreach (var state in levels[level])
                    state.FreeRun = Math.Max(0, run - level);
        return terminal.FreeRun;
    }

    /// <summary>Collects what follows each plain character; false if one cannot follow.</summary>
    bool AllCharacters(Regular state, Regular character, HashSet<Regular> after)
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
                var next = state.First.Contains((byte)start) ? regulars.Step(state, (byte)start) : Regular.Nothing;
                if (next.Kind == RegularKind.Nothing || !AllCharacters(next, regulars.Step(character, (byte)start), after))
                    return false;
            }
        return true;
    }
}
