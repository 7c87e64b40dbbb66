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
    const int MostMasks = 1000;

    readonly Regular?[] _way = new Regular?[TokenTrie.MostBytes + 1];
    readonly ParserState?[] _states = new ParserState?[TokenTrie.MostBytes + 1];
    readonly Queue<ParserState> _kept = [];

    /// <summary>The mask of a state, in <paramref name="room"/> or as it is kept.</summary>
    public ulong[] Of(ParserState state, ulong[] room)
    {
        if (state.Mask is { } known)
            return known;
        var mask = room;
        if (state.IsSeen)
        {
            if (_kept.Count == MostMasks)
                _kept.Dequeue().Mask = null;
            _kept.Enqueue(state);
            state.Mask = mask = new ulong[vocabulary.Words];
        }
        else
            Array.Clear(mask);
        state.IsSeen = true;
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
        return mask;
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
            var to = parser.Step(from, node.Byte);
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
        return new(slice, [.. inside], [.. exits]);
    }

    /// <summary>A number of plain characters that may follow whatever they are: as many as there are up to the most that are counted, or no end of them.</summary>
    int FreeRun(Regular terminal)
    {
        var closed = new List<Regular> { terminal };
        for (var i = 0; i < closed.Count && closed.Count <= 6; i++)
        {
            if (AfterCharacter(closed[i]).Length == 0)
                return FreeRun(terminal, TokenSlices.MostCounted);
            foreach (var next in AfterCharacter(closed[i]))
                if (!closed.Contains(next))
                    closed.Add(next);
        }
        return closed.Count > 6 ? FreeRun(terminal, TokenSlices.MostCounted) : int.MaxValue;
    }

    /// <summary>Only while all characters lead to one state, as where they are counted: more would cost more than it saves.</summary>
    int FreeRun(Regular terminal, int enough) => terminal.FreeRun >= enough || AfterCharacter(terminal) is not [var next] ? terminal.FreeRun
        : terminal.FreeRun = Math.Max(terminal.FreeRun, enough == 1 ? 1 : 1 + FreeRun(next, enough - 1));

    Regular[] AfterCharacter(Regular state)
    {
        if (state.AfterCharacter is { } known)
            return known;
        var after = new HashSet<Regular>();
        return state.AfterCharacter = Collect(state, anyCharacter, after) ? [.. after] : [];
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
