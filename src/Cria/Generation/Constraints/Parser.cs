namespace Cria.Generation.Constraints;

/// <summary>
/// Steps through a grammar byte by byte. A state is the set of all terminals in progress with the stacks below them; equal states are one
/// object and remember where their bytes lead, so a place that was seen costs a look-up. Grammars must not be left-recursive. Not thread-safe.
/// </summary>
sealed class Parser
{
    const int MostStates = 50_000, MostItems = 20_000, MostExpansions = 100_000, MostEnd = 1 << 20;

    readonly HashSet<Stack> _stacks = new(new SameStack());
    readonly HashSet<ParserState> _states = new(new SameState());
    readonly Regulars _regulars;
    readonly ParserState _dead = new([], false);
    long _stackIds;

    public Parser(Regulars regulars, Node root)
    {
        _regulars = regulars;
        Bottom = Known([new StackFrame(Node.End, null)]);
        Start = Closure(Push(root, Bottom));
    }

    Stack Bottom { get; }

    public ParserState Start { get; }

    public ParserState Step(ParserState state, byte value)
    {
        if (!state.First.Contains(value))
            return _dead;
        if (state.Next is null)
        {
            state.Runs = _regulars.Runs(state.Items.Aggregate(default(ByteSet), (all, i) => all | i.Terminal.Edges));
            state.Next = new ParserState?[state.Runs[255] + 1];
        }
        return state.Next[state.Runs![value]] ??= Advance(state, value);
    }

    ParserState Advance(ParserState state, byte value)
    {
        var builder = new Builder();
        foreach (var (terminal, rest) in state.Items)
        {
            if (!terminal.First.Contains(value))
                continue;
            var next = _regulars.Step(terminal, value);
            if (next.Kind == RegularKind.Nothing)
                continue;
            if (next.Kind != RegularKind.Empty)
                builder.Add(next, rest);
            if (next.IsNullable)
                builder.Add(Closure(rest));
        }
        return Known(builder);
    }

    /// <summary>Bytes of the shortest text that may follow.</summary>
    public long Least(ParserState state) => state.Least ??= state.IsAccepting ? 0 : state.Items.Length == 0 ? long.MaxValue
        : state.Items.Min(i => Sum(_regulars.Shortest(i.Terminal), Least(i.Rest)));

    /// <summary>The bytes of one of the shortest ends of a text.</summary>
    public byte[] ShortestEnd(ParserState state)
    {
        var end = new List<byte>();
        while (!state.IsAccepting)
        {
            var (best, least) = (-1, long.MaxValue);
            for (var value = state.First.Next(0); value < 256; value = state.First.Next(value + 1))
                if (Step(state, (byte)value) is { IsDead: false } next && Least(next) < least)
                    (best, least) = (value, Least(next));
            if (best < 0 || end.Count == MostEnd)
                throw new CriaException($"the constraint has no text of fewer than {MostEnd} bytes");
            end.Add((byte)best);
            state = Step(state, (byte)best);
        }
        return [.. end];
    }

    /// <summary>
    /// What must follow, blanks aside: where they may be left out none is foreseen, but one after a colon or a comma, as models write. At most so many bytes.
    /// </summary>
    public byte[] Foreseen(ParserState state, int most)
    {
        var text = new List<byte>();
        while (text.Count < most && !state.IsAccepting && Foreseen(state, text.Count > 0 ? text[^1] : (byte)0) is { } next)
        {
            text.Add(next);
            state = Step(state, next);
        }
        return [.. text];
    }

    byte? Foreseen(ParserState state, byte last)
    {
        byte? only = null;
        var mayBeBlank = false;
        for (var value = state.First.Next(0); value < 256; value = state.First.Next(value + 1))
        {
            if (Step(state, (byte)value).IsDead)
                continue;
            if (value is '\t' or '\n' or ' ')
                mayBeBlank |= value == ' ';
            else if (only is null)
                only = (byte)value;
            else
                return mayBeBlank && last is (byte)':' or (byte)',' ? (byte)' ' : null;
        }
        return mayBeBlank && (only is null || last is (byte)':' or (byte)',') ? (byte)' ' : only;
    }

    long Least(Stack stack)
    {
        if (stack.Least is { } known)
            return known;
        var way = new Stack<Stack>([stack]); // deep: not by recursion
        while (way.TryPeek(out var at))
        {
            var open = at.Frames.Where(f => f.Below is { Least: null }).ToList();
            if (open.Count == 0)
                way.Pop().Least = at.Frames.Min(f => f.Below is null ? 0 : Sum(Least(f.Node, _regulars), f.Below.Least!.Value));
            foreach (var frame in open)
                way.Push(frame.Below!);
        }
        return stack.Least!.Value;
    }

    /// <summary>Bytes of the shortest text of a grammar.</summary>
    public static long Least(Node node, Regulars regulars) => node switch
    {
        Terminal t => regulars.Shortest(t.Language),
        Sequence s => Sum(Least(s.First, regulars), Least(s.Second, regulars)),
        Choice c => c.Options.Select(o => Least(o, regulars)).DefaultIfEmpty(long.MaxValue).Min(),
        _ => ((Lazy)node).Least(),
    };

    public static long Sum(long a, long b) => a == long.MaxValue || b == long.MaxValue ? long.MaxValue : a + b;

    public ParserState Closure(Stack stack)
    {
        if (stack.Closure is { } known)
            return known;
        var builder = new Builder();
        foreach (var (node, below) in stack.Frames)
            Expand(node, below, builder, 0);
        return stack.Closure = Known(builder);
    }

    void Expand(Node node, Stack? below, Builder builder, int depth)
    {
        if (depth > 500 || ++builder.Expansions > MostExpansions)
            throw new CriaException("the constraint is too complex: a grammar goes too deep without a character between");
        while (true)
            switch (node)
            {
                case Terminal terminal:
                    if (terminal.Language.Kind != RegularKind.Empty && _regulars.IsAlive(terminal.Language))
                        builder.Add(terminal.Language, below!);
                    if (terminal.Language.IsNullable)
                        builder.Add(Closure(below!));
                    return;
                case Sequence sequence:
                    below = Push(sequence.Second, below!);
                    node = sequence.First;
                    if (++builder.Expansions > MostExpansions)
                        throw new CriaException("the constraint is too complex: a grammar goes too deep without a character between");
                    continue;
                case Choice choice:
                    builder.IsAccepting |= node == Node.End;
                    foreach (var option in choice.Options)
                        Expand(option, below, builder, depth + 1);
                    return;
                default:
                    node = ((Lazy)node).Made;
                    continue;
            }
    }

    Stack Push(Node node, Stack below) => node == Node.Empty ? below : Known([new StackFrame(node, below)]);

    Stack Union(Stack a, Stack b, int depth = 0)
    {
        if (a == b)
            return a;
        if (depth > 500)
            throw new CriaException("the constraint is too complex: a grammar can be read in too many ways at once");
        var frames = new List<StackFrame>(a.Frames.Length + b.Frames.Length);
        int i = 0, j = 0;
        while (i < a.Frames.Length || j < b.Frames.Length)
        {
            var order = i == a.Frames.Length ? 1 : j == b.Frames.Length ? -1 : a.Frames[i].Node.Id.CompareTo(b.Frames[j].Node.Id);
            if (order == 0)
                frames.Add(new(a.Frames[i].Node, a.Frames[i].Below is { } left ? Union(left, b.Frames[j].Below!, depth + 1) : null));
            else
                frames.Add(order < 0 ? a.Frames[i] : b.Frames[j]);
            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }
        return Known([.. frames]);
    }

    Stack Known(StackFrame[] frames)
    {
        var candidate = new Stack(frames);
        if (_stacks.TryGetValue(candidate, out var known))
            return known;
        if (_stacks.Count > MostStates)
            _stacks.Clear();
        candidate.Id = ++_stackIds;
        _stacks.Add(candidate);
        return candidate;
    }

    ParserState Known(Builder builder)
    {
        var items = builder.Items;
        if (items.Count == 0 && !builder.IsAccepting)
            return _dead;
        if (items.Count > MostItems)
            throw new CriaException($"the constraint is too complex: it can be read in more than {MostItems} ways at once");
        items.Sort((x, y) => x.Terminal.Id.CompareTo(y.Terminal.Id));
        var merged = new List<Item>(items.Count);
        foreach (var item in items)
            if (merged.Count > 0 && merged[^1].Terminal == item.Terminal)
                merged[^1] = new(item.Terminal, Union(merged[^1].Rest, item.Rest));
            else
                merged.Add(item);
        var candidate = new ParserState([.. merged], builder.IsAccepting);
        if (_states.TryGetValue(candidate, out var known))
            return known;
        if (_states.Count > MostStates)
            _states.Clear();
        _states.Add(candidate);
        return candidate;
    }

    sealed class Builder
    {
        public List<Item> Items { get; } = [];

        public bool IsAccepting { get; set; }

        public int Expansions { get; set; }

        public void Add(Regular terminal, Stack rest) => Items.Add(new(terminal, rest));

        public void Add(ParserState state)
        {
            Items.AddRange(state.Items);
            IsAccepting |= state.IsAccepting;
        }
    }

    sealed class SameStack : IEqualityComparer<Stack>
    {
        public bool Equals(Stack? x, Stack? y) => x!.Frames.AsSpan().SequenceEqual(y!.Frames);

        public int GetHashCode(Stack stack) => stack.Hash;
    }

    sealed class SameState : IEqualityComparer<ParserState>
    {
        public bool Equals(ParserState? x, ParserState? y) => x!.IsAccepting == y!.IsAccepting && x.Items.AsSpan().SequenceEqual(y.Items);

        public int GetHashCode(ParserState state)
        {
            var hash = state.IsAccepting ? 1 : 0;
            foreach (var (terminal, rest) in state.Items)
                hash = HashCode.Combine(hash, terminal.Id, rest.Hash);
            return hash;
        }
    }
}
