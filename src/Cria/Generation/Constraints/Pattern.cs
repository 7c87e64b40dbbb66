using System.Globalization;
using System.Text;

namespace Cria.Generation.Constraints;

/// <summary>
/// A regular expression as ECMAScript with the flag u reads it: classes, groups, greedy and lazy repetition (no difference here), anchors,
/// look-ahead, the classes of Unicode by category. Back references, look-behind and word boundaries are refused. Equivalent regular languages.
/// </summary>
sealed class Pattern
{
    const int MostCharacters = 20_000, MostNesting = 200;

    readonly string _text;
    int _at, _depth;
    bool _ignoresCase;

    Pattern(string text) => _text = text;

    abstract record Part;

    sealed record Set(CharacterSet Characters) : Part;

    sealed record All(IReadOnlyList<Part> Parts) : Part;

    sealed record Any(IReadOnlyList<Part> Parts) : Part;

    sealed record Repeated(Part Body, int Min, int Max) : Part;

    sealed record Start : Part;

    sealed record End : Part;

    sealed record Ahead(Part Body, bool Negative) : Part;

    /// <summary>The texts in which the pattern is found, or that it matches whole.</summary>
    /// <param name="regulars">Makes it.</param>
    /// <param name="text">The pattern.</param>
    /// <param name="characters">How characters are written.</param>
    /// <param name="isWhole">Whether it must match the whole text.</param>
    /// <exception cref="CriaException">It is not a pattern, or not one that can be honoured.</exception>
    public static Regular Compile(Regulars regulars, string text, Func<CharacterSet, Regular> characters, bool isWhole = false)
    {
        var parser = new Pattern(text);
        if (text.Length > MostCharacters)
            throw parser.Refused($"has more than {MostCharacters} characters");
        var part = parser.Alternatives();
        if (parser._at < text.Length)
            throw parser.Refused("has a ) without a (");
        var any = characters(CharacterSet.All);
        var rest = regulars.Repeat(any, 0, Regular.Unbounded);
        var known = new Dictionary<CharacterSet, Regular>();
        if (isWhole)
            return To(part, Regular.Empty, true);
        var found = To(part, rest, true);
        return StartsAnchored(part) ? found : regulars.Or(found, regulars.Concat(any, rest, To(part, rest, false)));

        // What the part and then `after` match. isStart: whether nothing is before it, null if unknown.
        Regular To(Part part, Regular after, bool? isStart)
        {
            switch (part)
            {
                case All all:
                    return Sequence(all.Parts, 0, after, isStart);
                case Any options:
                    return regulars.Or(options.Parts.Select(p => To(p, after, isStart)).ToList());
                case Start:
                    return isStart is null ? throw parser.Refused("has a ^ after what may be empty") : isStart.Value ? after : Regular.Nothing;
                case End:
                    return regulars.And(after, Regular.Empty);
                case Ahead ahead:
                    var body = To(ahead.Body, rest, isStart);
                    return regulars.And(ahead.Negative ? regulars.Not(body) : body, after);
                case Repeated { Max: 1 } once when !IsPlain(once.Body):
                    var one = To(once.Body, after, isStart);
                    return once.Min == 1 ? one : regulars.Or(one, after);
                default:
                    return regulars.Concat(Plain(part), after);
            }
        }

        Regular Sequence(IReadOnlyList<Part> parts, int at, Regular after, bool? isStart)
        {
            if (at == parts.Count)
                return after;
            var later = isStart != true || IsZeroWidth(parts[at]) ? isStart : CanBeEmpty(parts[at]) ? null : (bool?)false;
            return To(parts[at], Sequence(parts, at + 1, after, later), isStart);
        }

        Regular Plain(Part part) => part switch
        {
            Set set => known.TryGetValue(set.Characters, out var made) ? made : known[set.Characters] = characters(set.Characters),
            All all => regulars.Concat([.. all.Parts.Select(Plain)]),
            Any options => regulars.Or(options.Parts.Select(Plain).ToList()),
            Repeated repeated => regulars.Repeat(Plain(repeated.Body), repeated.Min, repeated.Max),
            _ => throw parser.Refused("repeats an anchor or a look-ahead"),
        };
    }

    static bool IsPlain(Part part) => part switch
    {
        Set => true,
        All all => all.Parts.All(IsPlain),
        Any any => any.Parts.All(IsPlain),
        Repeated repeated => IsPlain(repeated.Body),
        _ => false,
    };

    static bool IsZeroWidth(Part part) => part is Start or End or Ahead || part is All all && all.Parts.All(IsZeroWidth) || part is Any any && any.Parts.All(IsZeroWidth);

    static bool CanBeEmpty(Part part) => part switch
    {
        Set => false,
        All all => all.Parts.All(CanBeEmpty),
        Any any => any.Parts.Any(CanBeEmpty),
        Repeated repeated => repeated.Min == 0 || CanBeEmpty(repeated.Body),
        _ => true,
    };

    static bool StartsAnchored(Part part) => part is Start || part is All { Parts: [var first, ..] } && StartsAnchored(first) || part is Any any && any.Parts.All(StartsAnchored);

    Part Alternatives()
    {
        if (++_depth > MostNesting)
            throw Refused($"is nested more than {MostNesting} deep");
        var options = new List<Part>();
        do
        {
            var parts = new List<Part>();
            while (_at < _text.Length && _text[_at] is not ('|' or ')'))
                parts.Add(Quantified(Atom()));
            options.Add(parts.Count == 1 ? parts[0] : new All(parts));
        }
        while (Take('|'));
        _depth--;
        return options.Count == 1 ? options[0] : new Any(options);
    }

    Part Quantified(Part atom)
    {
        while (true)
        {
            var (min, max) = (1, 1);
            if (Take('*'))
                (min, max) = (0, Regular.Unbounded);
            else if (Take('+'))
                (min, max) = (1, Regular.Unbounded);
            else if (Take('?'))
                (min, max) = (0, 1);
            else if (!TakeCounts(ref min, ref max))
                return atom;
            _ = Take('?');
            atom = new Repeated(atom, min, max);
        }
    }

    bool TakeCounts(ref int min, ref int max)
    {
        var end = _at < _text.Length && _text[_at] == '{' ? _text.IndexOf('}', _at) : -1;
        if (end < 0)
            return false;
        var counts = _text[(_at + 1)..end].Split(',');
        if (counts.Length > 2 || counts[0].Length == 0 || !counts.All(c => c.All(char.IsAsciiDigit)))
            return false;
        min = Count(counts[0]);
        max = counts.Length == 1 ? min : counts[1].Length == 0 ? Regular.Unbounded : Count(counts[1]);
        if (min > max)
            throw Refused("repeats from more to less");
        _at = end + 1;
        return true;

        int Count(string digits) => int.TryParse(digits, CultureInfo.InvariantCulture, out var count) && count < Regular.Unbounded ? count : throw Refused("repeats too often");
    }

    Part Atom()
    {
        var c = Next();
        switch (c)
        {
            case '^':
                return new Start();
            case '$':
                return new End();
            case '.':
                return new Set(CharacterSet.LineEnds.Complement());
            case '[':
                return new Set(Class());
            case '(':
                var part = Group();
                return Take(')') ? part : throw Refused("has a ( without a )");
            case '\\':
                return new Set(Cased(Escape(inClass: false)));
            case '*' or '+' or '?':
                throw Refused($"repeats nothing at {_at - 1}");
            default:
                return new Set(Cased(CharacterSet.Of(c)));
        }
    }

    Part Group()
    {
        if (!Take('?'))
            return Alternatives();
        if (Take(':'))
            return Alternatives();
        if (Take('='))
            return new Ahead(Alternatives(), Negative: false);
        if (Take('!'))
            return new Ahead(Alternatives(), Negative: true);
        if (_text.AsSpan(_at).StartsWith("i)") || _text.AsSpan(_at).StartsWith("i:"))
        {
            var was = _ignoresCase;
            _ignoresCase = true;
            _at += 1;
            if (!Take(':'))
                return new All([]); // to the end
            var body = Alternatives();
            _ignoresCase = was;
            return body;
        }
        if ((Take('P') || true) && Take('<') && _at < _text.Length && _text[_at] is not ('=' or '!') && _text.IndexOf('>', _at) is > 0 and var end)
        {
            _at = end + 1;
            return Alternatives();
        }
        throw Refused($"has a group of a kind that is not supported at {_at}");
    }

    CharacterSet Class()
    {
        var isComplement = Take('^');
        var ranges = new List<(int, int)>();
        while (!Take(']'))
        {
            var (set, single) = ClassAtom();
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']' && single is { } first)
            {
                _at++;
                var (other, last) = ClassAtom();
                if (last is null) // [a-\d]: three members
                    ranges.AddRange([(first, first), ('-', '-'), .. other.Ranges]);
                else if (first > last)
                    throw Refused("has a class with a range backwards");
                else
                    ranges.Add((first, last.Value));
            }
            else
                ranges.AddRange(set.Ranges);
        }
        var all = Cased(new CharacterSet(ranges));
        return isComplement ? all.Complement() : all;
    }

    (CharacterSet Set, int? Single) ClassAtom()
    {
        var c = Next();
        var set = c == '\\' ? Escape(inClass: true) : CharacterSet.Of(c);
        return (set, set.Ranges is [(var first, var last)] && first == last ? first : null);
    }

    CharacterSet Escape(bool inClass)
    {
        var c = Next();
        switch (c)
        {
            case 'd': return CharacterSet.Digits;
            case 'D': return CharacterSet.Digits.Complement();
            case 'w': return CharacterSet.WordCharacters;
            case 'W': return CharacterSet.WordCharacters.Complement();
            case 's': return CharacterSet.Spaces;
            case 'S': return CharacterSet.Spaces.Complement();
            case 't': return CharacterSet.Of('\t');
            case 'n': return CharacterSet.Of('\n');
            case 'r': return CharacterSet.Of('\r');
            case 'f': return CharacterSet.Of('\f');
            case 'v': return CharacterSet.Of('\v');
            case 'b' when inClass: return CharacterSet.Of('\b');
            case '0' when _at == _text.Length || !char.IsAsciiDigit(_text[_at]): return CharacterSet.Of(0);
            case 'x': return CharacterSet.Of(Hex(2));
            case 'u': return CharacterSet.Of(Unicode());
            case 'c' when _at < _text.Length && char.IsAsciiLetter(_text[_at]): return CharacterSet.Of(_text[_at++] % 32);
            case 'p' or 'P':
                var category = Category();
                return c == 'p' ? category : category.Complement();
            case 'A' or 'Z' or 'z' or 'b' or 'B' or 'G' or 'k':
                throw Refused($"has \\{(char)c}, which is not supported");
            case >= '1' and <= '9':
                throw Refused("has a back reference, which is not supported");
            default:
                return char.IsAsciiLetterOrDigit((char)c) ? throw Refused($"has \\{(char)c}, which is no escape") : CharacterSet.Of(c);
        }
    }

    int Unicode()
    {
        if (Take('{'))
        {
            var end = _text.IndexOf('}', _at);
            return end > _at && Hex(end - _at) is var point and <= 0x10FFFF && Take('}') ? point : throw Refused("has a \\u{ that is no code point");
        }
        var unit = Hex(4);
        if (unit is < 0xD800 or > 0xDBFF || !_text.AsSpan(_at).StartsWith("\\u"))
            return unit;
        _at += 2;
        return char.IsLowSurrogate((char)Hex(4)) ? char.ConvertToUtf32((char)unit, (char)int.Parse(_text.AsSpan(_at - 4, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture)) : throw Refused("has half a surrogate pair");
    }

    int Hex(int digits)
    {
        if (digits > 8 || _at + digits > _text.Length || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw Refused("has a hexadecimal escape without its digits");
        _at += digits;
        return value;
    }

    static readonly string[] Categories = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn"]; // as UnicodeCategory counts them

    CharacterSet Category()
    {
        var end = Take('{') ? _text.IndexOf('}', _at) : -1;
        var name = end < 0 ? "" : _text[_at..end].Replace("General_Category=", "", StringComparison.Ordinal).Replace("gc=", "", StringComparison.Ordinal);
        name = name is "Letter" or "Alphabetic" or "Number" or "Punctuation" ? name == "Alphabetic" ? "?" : name[..1] : name;
        if (name.Length is 0 or > 2 || !Categories.Any(c => c.StartsWith(name, StringComparison.Ordinal)))
            throw Refused("has a class of characters that is not supported");
        _at = end + 1;
        var wanted = Categories.Select(c => c.StartsWith(name, StringComparison.Ordinal)).ToArray();
        return new(Enumerable.Range(0, 0x110000).Where(Rune.IsValid).Where(c => wanted[(int)Rune.GetUnicodeCategory(new Rune(c))]).Select(c => (c, c)));
    }

    CharacterSet Cased(CharacterSet set) => _ignoresCase ? set.IgnoringCase() : set;

    int Next()
    {
        if (_at == _text.Length)
            throw Refused("ends too early");
        if (!Rune.TryGetRuneAt(_text, _at, out var rune))
            throw Refused("is not Unicode text");
        _at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    bool Take(char c)
    {
        if (_at == _text.Length || _text[_at] != c)
            return false;
        _at++;
        return true;
    }

    CriaException Refused(string why) => new($"the pattern {(_text.Length > 60 ? _text[..60] + "…" : _text)} {why}");
}
