using System.Text;

namespace Cria.Generation.Constraints;

/// <summary>A set of Unicode code points as sorted ranges that do not touch; surrogates are never members.</summary>
sealed class CharacterSet
{
    public static readonly CharacterSet All = new([(0, 0x10FFFF)]);
    public static readonly CharacterSet Digits = new([('0', '9')]);
    public static readonly CharacterSet WordCharacters = new([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
    public static readonly CharacterSet Spaces = new([(9, 13), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)]);
    public static readonly CharacterSet LineEnds = new([('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)]);

    readonly List<(int First, int Last)> _ranges = [];

    public CharacterSet(IEnumerable<(int First, int Last)> ranges)
    {
        foreach (var (first, last) in ranges.SelectMany(WithoutSurrogates).OrderBy(r => r.First))
            if (_ranges.Count > 0 && _ranges[^1].Last >= first - 1)
                _ranges[^1] = (_ranges[^1].First, Math.Max(_ranges[^1].Last, last));
            else
                _ranges.Add((first, last));
    }

    public IReadOnlyList<(int First, int Last)> Ranges => _ranges;

    public static CharacterSet Of(int character) => new([(character, character)]);

    public CharacterSet Union(CharacterSet other) => new(_ranges.Concat(other._ranges));

    public CharacterSet Complement()
    {
        var gaps = new List<(int, int)>();
        var next = 0;
        foreach (var (first, last) in _ranges)
        {
            if (first > next)
                gaps.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= 0x10FFFF)
            gaps.Add((next, 0x10FFFF));
        return new(gaps);
    }

    public CharacterSet Intersect(CharacterSet other) => Complement().Union(other.Complement()).Complement();

    public bool Contains(int character) => _ranges.Exists(r => r.First <= character && character <= r.Last);

    /// <summary>With the other case of each letter.</summary>
    public CharacterSet IgnoringCase()
    {
        var more = new List<(int, int)>(_ranges);
        foreach (var (first, last) in _ranges)
            for (var c = first; c <= Math.Min(last, 0xFFFF); c++)
                if (Rune.IsValid(c))
                {
                    var (upper, lower) = (Rune.ToUpperInvariant(new Rune(c)).Value, Rune.ToLowerInvariant(new Rune(c)).Value);
                    more.Add((upper, upper));
                    more.Add((lower, lower));
                }
        return new(more);
    }

    static IEnumerable<(int First, int Last)> WithoutSurrogates((int First, int Last) range)
    {
        if (range.First < 0xD800 && range.First <= range.Last)
            yield return (range.First, Math.Min(range.Last, 0xD7FF));
        if (range.Last > 0xDFFF && range.First <= range.Last)
            yield return (Math.Max(range.First, 0xE000), range.Last);
    }
}
