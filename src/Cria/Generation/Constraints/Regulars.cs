using System.Runtime.CompilerServices;
using System.Text;

namespace Cria.Generation.Constraints;

/// <summary>Makes regular languages, the same object for the same expression, and steps through them. Not thread-safe.</summary>
sealed class Regulars
{
    const int MostParts = 4096, MostExplored = 100_000;

    readonly HashSet<Regular> _known = new(new SameExpression());
    readonly Dictionary<ByteSet, byte[]> _runs = [];
    int _ids = 1;

    /// <summary>Every word.</summary>
    public Regular Everything { get; }

    public Regulars() => Everything = Not(Regular.Nothing);

    public Regular Bytes(ByteSet set) => set.IsEmpty ? Regular.Nothing
        : Known(new() { Kind = RegularKind.Bytes, Set = set, First = set, Edges = set.Edges, Least = 1, Life = Life.Alive, IsFinite = true });

    public Regular Literal(string text) => Literal(Encoding.UTF8.GetBytes(text), 0, Regular.Empty);

    public Regular Literal(byte[] text, int at, Regular rest) => at == text.Length || rest.Kind == RegularKind.Nothing ? rest : Known(new()
    {
        Kind = RegularKind.Literal,
        Text = text,
        Min = at,
        Right = rest,
        First = ByteSet.Of(text[at]),
        Edges = ByteSet.Of(text[at]).Edges,
        Least = text.Length - at + rest.Least,
        IsGuarded = rest.IsGuarded,
        Life = rest.Life,
        IsFinite = rest.IsFinite,
    });

    public Regular Concat(params ReadOnlySpan<Regular> parts)
    {
        var all = Regular.Empty;
        for (var i = parts.Length - 1; i >= 0; i--)
            all = Concat(parts[i], all);
        return all;
    }

    public Regular Concat(Regular left, Regular right)
    {
        if (left.Kind == RegularKind.Nothing || right.Kind == RegularKind.Nothing)
            return Regular.Nothing;
        if (left.Kind == RegularKind.Empty)
            return right;
        if (right.Kind == RegularKind.Empty)
            return left;
        if (left.Kind == RegularKind.Concat)
            return Concat(left.Left!, Concat(left.Right!, right));
        if (left.Kind == RegularKind.Literal)
            return Literal(left.Text!, left.Min, Concat(left.Right!, right));
        return Known(new()
        {
            Kind = RegularKind.Concat,
            Left = left,
            Right = right,
            IsNullable = left.IsNullable && right.IsNullable,
            IsGuarded = left.IsGuarded || right.IsGuarded,
            First = left.IsNullable ? left.First | right.First : left.First,
            Edges = left.IsNullable ? left.Edges | right.Edges : left.Edges,
            Least = left.Least + right.Least,
            IsFinite = left.IsFinite && right.IsFinite,
        });
    }

    public Regular Optional(Regular part) => Or(part, Regular.Empty);

    public Regular Or(params IEnumerable<Regular> parts)
    {
        var list = Flat(RegularKind.Or, parts, Regular.Nothing);
        var (bytes, bytesCount, isNullable, isGuarded) = (default(ByteSet), 0, false, false);
        foreach (var part in list)
        {
            if (part == Everything)
                return Everything;
            if (part.Kind == RegularKind.Bytes)
                (bytes, bytesCount) = (bytes | part.Set, bytesCount + 1);
            isNullable |= part.IsNullable && part.Kind != RegularKind.Empty;
            isGuarded |= part.IsGuarded;
        }
        if (bytesCount > 1)
        {
            list.RemoveAll(p => p.Kind == RegularKind.Bytes);
            list.Add(Bytes(bytes));
            list.Sort((x, y) => x.Id.CompareTo(y.Id));
        }
        if (isNullable)
            list.Remove(Regular.Empty);
        if (list.Count <= 1)
            return list.Count == 0 ? Regular.Nothing : list[0];
        var (first, edges, least) = (default(ByteSet), default(ByteSet), long.MaxValue);
        foreach (var part in list)
            (first, edges, least, isNullable) = (first | part.First, edges | part.Edges, Math.Min(least, part.Least), isNullable | part.IsNullable);
        return Known(new() { Kind = RegularKind.Or, Parts = [.. list], IsNullable = isNullable, IsGuarded = isGuarded, First = first, Edges = edges, Least = least, IsFinite = list.TrueForAll(p => p.IsFinite) });
    }

    public Regular And(params IEnumerable<Regular> parts)
    {
        var list = Flat(RegularKind.And, parts, Everything);
        if (list.Count <= 1)
            return list.Count == 0 ? Everything : list[0];
        var (first, edges, least, isNullable) = (ByteSet.All, default(ByteSet), 0L, true);
        foreach (var part in list)
            (first, edges, least, isNullable) = (first & part.First, edges | part.Edges, Math.Max(least, part.Least), isNullable & part.IsNullable);
        return first.IsEmpty ? isNullable ? Regular.Empty : Regular.Nothing
            : Known(new() { Kind = RegularKind.And, Parts = [.. list], IsNullable = isNullable, IsGuarded = true, First = first, Edges = edges, Least = least, IsFinite = list.Exists(p => p.IsFinite) });
    }

    public Regular Not(Regular part) => part.Kind == RegularKind.Not ? part.Left! : Known(new()
    {
        Kind = RegularKind.Not,
        Left = part,
        IsNullable = !part.IsNullable,
        IsGuarded = part.Kind != RegularKind.Nothing,
        First = ByteSet.All,
        Edges = part.Edges,
    });

    public Regular Repeat(Regular part, int min, int max)
    {
        if (max == 0 || part.Kind is RegularKind.Empty or RegularKind.Nothing)
            return min == 0 || part.Kind == RegularKind.Empty ? Regular.Empty : Regular.Nothing;
        if (part.IsNullable)
            min = 0;
        if (min == 1 && max == 1 || max == Regular.Unbounded && part is { Kind: RegularKind.Repeat, Min: 0, Max: Regular.Unbounded })
            return part;
        return Known(new()
        {
            Kind = RegularKind.Repeat,
            Left = part,
            Min = min,
            Max = max,
            IsNullable = min == 0,
            IsGuarded = part.IsGuarded,
            First = part.First,
            Edges = part.Edges,
            IsFinite = part.IsFinite && max != Regular.Unbounded,
            Least = min == 0 || part.Least == 0 ? 0 : part.Least > int.MaxValue ? part.Least : min * part.Least,
        });
    }

    /// <summary>Decimal numbers without sign and exponent that are whole multiples of divisor / 10^scale.</summary>
    public Regular Multiple(long divisor, int scale) => Multiple(divisor, scale, 0, -1);

    Regular Multiple(long divisor, int scale, long remainder, int left)
    {
        var rest = (Int128)remainder;
        for (var i = left < 0 ? scale : left; i > 0; i--)
            rest = rest * 10 % divisor;
        var bytes = ByteSet.Range('0', '9') | (left < 0 ? ByteSet.Of((byte)'.') : default);
        return Known(new()
        {
            Kind = RegularKind.Multiple,
            Divisor = divisor,
            Remainder = remainder,
            Min = scale,
            Max = left,
            IsNullable = rest == 0,
            IsGuarded = true,
            First = bytes,
            Edges = ByteSet.Range('.', '9' + 1),
        });
    }

    /// <summary>Any of the texts, with what follows each shared where it begins alike.</summary>
    public Regular AnyOf(IEnumerable<byte[]> texts) => AnyOf(texts.OrderBy(t => t, Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y))).ToArray(), 0);

    Regular AnyOf(ArraySegment<byte[]> texts, int at)
    {
        if (texts.Count == 0)
            return Regular.Nothing;
        if (texts.Count == 1)
            return Literal(texts[0], at, Regular.Empty);
        var options = new List<Regular>();
        var start = 0;
        while (start < texts.Count && texts[start].Length == at)
            start++;
        if (start > 0)
            options.Add(Regular.Empty);
        for (int end; start < texts.Count; start = end)
        {
            var first = texts[start][at];
            for (end = start + 1; end < texts.Count && texts[end][at] == first; end++)
            {
            }
            options.Add(Concat(Bytes(ByteSet.Of(first)), AnyOf(texts[start..end], at + 1)));
        }
        return Or(options);
    }

    /// <summary>What may follow a byte; <see cref="Regular.Nothing"/> if no word goes on with it.</summary>
    public Regular Step(Regular state, byte value)
    {
        var next = Derivative(state, value);
        if (next.Kind == RegularKind.Nothing || IsAlive(next))
            return next;
        return state.Next![state.Runs![value]] = Regular.Nothing;
    }

    public bool IsAlive(Regular state)
    {
        if (state.Life == Life.Unknown)
        {
            if (state.IsGuarded)
                Explore(state);
            else
                state.Life = Life.Alive;
        }
        return state.Life == Life.Alive;
    }

    /// <summary>Bytes of the shortest word, <see cref="long.MaxValue"/> if there is none.</summary>
    public long Shortest(Regular state)
    {
        if (!state.IsGuarded)
            return state.Least;
        if (state.Shortest is { } known)
            return known;
        var seen = new HashSet<Regular> { state };
        List<Regular> level = [state], next = [];
        for (var length = 0L; level.Count > 0; length++, (level, next) = (next, level), next.Clear())
        {
            foreach (var at in level)
            {
                if (at.IsNullable)
                    return (state.Shortest = length).Value;
                foreach (var after in Derivatives(at))
                    if (IsAlive(after) && seen.Add(after))
                        next.Add(after);
            }
            Bound(seen.Count);
        }
        return (state.Shortest = long.MaxValue).Value;
    }

    public bool Matches(Regular language, ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
            language = Derivative(language, value);
        return language.IsNullable;
    }

    /// <summary>
    /// Looks for a word, where a short one seems nearest first. If there is one, all on the way to it are alive; if not, all that was seen
    /// is dead.
    /// </summary>
    void Explore(Regular start)
    {
        var from = new Dictionary<Regular, Regular?> { [start] = null };
        var open = new PriorityQueue<(Regular State, int Start), long>([((start, 0), start.Least)]);
        while (open.TryDequeue(out var place, out _))
        {
            var (at, value) = place;
            if (at.IsNullable || at.Life == Life.Alive || !at.IsGuarded)
            {
                for (var back = at; back is not null; back = from[back])
                    back.Life = Life.Alive;
                return;
            }
            for (; value < 256; value = at.Edges.Next(value + 1))
                if (at.First.Contains((byte)value) && Derivative(at, (byte)value) is { Life: not Life.Dead } next && from.TryAdd(next, at))
                {
                    open.Enqueue((next, 0), next.Least);
                    if (next.Least >= at.Least)
                        continue;
                    open.Enqueue((at, at.Edges.Next(value + 1)), at.Least);
                    break;
                }
            Bound(from.Count);
        }
        foreach (var state in from.Keys)
            state.Life = Life.Dead;
    }

    static void Bound(int states)
    {
        if (states > MostExplored)
            throw new CriaException($"the constraint is too complex: a pattern's automaton has more than {MostExplored} states");
    }

    /// <summary>The different derivatives by run of bytes.</summary>
    IEnumerable<Regular> Derivatives(Regular state)
    {
        for (var start = 0; start < 256; start = state.Edges.Next(start + 1))
            if (state.First.Contains((byte)start))
                yield return Derivative(state, (byte)start);
    }

    /// <summary>The run of each byte where runs begin at these edges.</summary>
    public byte[] Runs(ByteSet edges)
    {
        if (!_runs.TryGetValue(edges, out var runs))
            _runs[edges] = runs = [.. Enumerable.Range(0, 256).Select(b => (byte)edges.Rank(b + 1))];
        return runs;
    }

    Regular Derivative(Regular state, byte value)
    {
        if (!state.First.Contains(value))
            return Regular.Nothing;
        if (state.Next is null)
        {
            state.Runs = Runs(state.Edges);
            state.Next = new Regular?[state.Runs[255] + 1];
        }
        ref var next = ref state.Next[state.Runs![value]];
        if (next is null && !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new CriaException("the constraint is too complex: a pattern is nested too deeply");
        return next ??= Derive(state, value);
    }

    Regular Derive(Regular state, byte value)
    {
        switch (state.Kind)
        {
            case RegularKind.Bytes:
                return Regular.Empty;
            case RegularKind.Literal:
                return Literal(state.Text!, state.Min + 1, state.Right!);
            case RegularKind.Concat:
                var first = Concat(Derivative(state.Left!, value), state.Right!);
                return state.Left!.IsNullable ? Or(first, Derivative(state.Right!, value)) : first;
            case RegularKind.Or:
                return Or(Derivatives(state.Parts, value));
            case RegularKind.And:
                return And(Derivatives(state.Parts, value));
            case RegularKind.Not:
                return Not(Derivative(state.Left!, value));
            case RegularKind.Repeat:
                return Concat(Derivative(state.Left!, value),
                    Repeat(state.Left!, Math.Max(0, state.Min - 1), state.Max == Regular.Unbounded ? state.Max : state.Max - 1));
            default: // Multiple: the remainder of the digits so far, and how many more count
                if (value == '.')
                    return state.Max < 0 ? Multiple(state.Divisor, state.Min, state.Remainder, state.Min) : Regular.Nothing;
                if (value is < (byte)'0' or > (byte)'9' || state.Max == 0 && value != '0')
                    return Regular.Nothing;
                return Multiple(state.Divisor, state.Min, state.Max == 0 ? state.Remainder : (long)(((Int128)state.Remainder * 10 + value - '0') % state.Divisor),
                    Math.Max(state.Max - 1, state.Max < 0 ? -1 : 0));
        }
    }

    Regular[] Derivatives(Regular[] parts, byte value)
    {
        var all = new Regular[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            all[i] = Derivative(parts[i], value);
        return all;
    }

    static List<Regular> Flat(RegularKind kind, IEnumerable<Regular> parts, Regular neutral)
    {
        var list = new List<Regular>();
        foreach (var part in parts)
            if (part.Kind == kind)
                list.AddRange(part.Parts);
            else if (part != neutral)
                list.Add(part);
        if (list.Count > MostParts)
            throw new CriaException($"the constraint is too complex: a pattern is at more than {MostParts} places at once");
        if (list.Count > 1)
        {
            list.Sort((x, y) => x.Id.CompareTo(y.Id));
            var kept = 1;
            for (var i = 1; i < list.Count; i++)
                if (list[i] != list[kept - 1])
                    list[kept++] = list[i];
            list.RemoveRange(kept, list.Count - kept);
        }
        return list;
    }

    Regular Known(Regular candidate)
    {
        if (_known.TryGetValue(candidate, out var known))
            return known;
        candidate.Id = ++_ids;
        _known.Add(candidate);
        return candidate;
    }

    sealed class SameExpression : IEqualityComparer<Regular>
    {
        public bool Equals(Regular? x, Regular? y) => x!.Kind == y!.Kind && x.Min == y.Min && x.Max == y.Max && x.Left == y.Left && x.Right == y.Right
            && x.Text == y.Text && x.Set == y.Set && x.Divisor == y.Divisor && x.Remainder == y.Remainder && x.Parts.AsSpan().SequenceEqual(y.Parts);

        public int GetHashCode(Regular x)
        {
            var hash = HashCode.Combine(x.Kind, x.Min, x.Max, x.Left?.Id, x.Right?.Id, x.Remainder, x.Text is null ? 0 : RuntimeHelpers.GetHashCode(x.Text), x.Kind == RegularKind.Bytes ? x.Set.GetHashCode() : 0);
            foreach (var part in x.Parts)
                hash = hash * 31 + part.Id;
            return hash;
        }
    }
}
