using System.Globalization;
using System.Text;

namespace Cria.Generation.Constraints;

/// <summary>How values are written: the pieces of JSON, or of Python's literals, as regular languages.</summary>
sealed class JsonText
{
    const int MostIndent = 40;

    readonly Regular _quote;

    public JsonText(Regulars regulars, bool isPython = false)
    {
        Regulars = regulars;
        Null = regulars.Literal(isPython ? "None" : "null");
        True = regulars.Literal(isPython ? "True" : "true");
        False = regulars.Literal(isPython ? "False" : "false");
        Character = Characters(CharacterSet.All);
        PlainCharacter = Utf8.Of(regulars, CharacterSet.All.Intersect(new CharacterSet([(0, 0x1F), ('"', '"'), ('\\', '\\')]).Complement()));
        Content = regulars.Repeat(Character, 0, Regular.Unbounded);
        _quote = regulars.Literal("\"");
        String = Quoted(Content);
        var digit = regulars.Bytes(ByteSet.Range('0', '9'));
        var digits = regulars.Repeat(digit, 1, Regular.Unbounded);
        Natural = regulars.Or(regulars.Literal("0"), regulars.Concat(regulars.Bytes(ByteSet.Range('1', '9')), regulars.Repeat(digit, 0, Regular.Unbounded)));
        Fraction = regulars.Optional(regulars.Concat(regulars.Literal("."), digits));
        var minus = regulars.Optional(regulars.Literal("-"));
        var exponent = regulars.Concat(regulars.Bytes(ByteSet.Of((byte)'e') | ByteSet.Of((byte)'E')),
            regulars.Optional(regulars.Bytes(ByteSet.Of((byte)'+') | ByteSet.Of((byte)'-'))), digits);
        Integer = regulars.Concat(minus, Natural);
        Decimal = regulars.Concat(minus, Natural, Fraction);
        Number = regulars.Concat(Decimal, regulars.Optional(exponent));
        var line = regulars.Concat(regulars.Literal("\n"), regulars.Or(regulars.Repeat(regulars.Literal(" "), 0, MostIndent), regulars.Repeat(regulars.Literal("\t"), 0, MostIndent / 4)));
        Space = regulars.Or(Regular.Empty, regulars.Literal(" "), line);
        Colon = regulars.Concat(regulars.Literal(":"), regulars.Optional(regulars.Literal(" ")));
        Comma = regulars.Concat(regulars.Literal(","), Space);
    }

    public Regulars Regulars { get; }

    public Regular Null { get; }

    public Regular True { get; }

    public Regular False { get; }

    /// <summary>One character of a string, escaped where it must be; each has one way to be written.</summary>
    public Regular Character { get; }

    /// <summary>A character that needs no escape.</summary>
    public Regular PlainCharacter { get; }

    public Regular Content { get; }

    public Regular String { get; }

    public Regular Natural { get; }

    public Regular Fraction { get; }

    public Regular Integer { get; }

    /// <summary>A number without exponent.</summary>
    public Regular Decimal { get; }

    public Regular Number { get; }

    /// <summary>Nothing, one blank, or a line end with an indent.</summary>
    public Regular Space { get; }

    public Regular Colon { get; }

    public Regular Comma { get; }

    public Regular Quoted(Regular content) => Regulars.Concat(_quote, content, _quote);

    /// <summary>One of the characters as it is written in a string.</summary>
    public Regular Characters(CharacterSet set)
    {
        var options = new List<Regular> { Utf8.Of(Regulars, set.Intersect(new CharacterSet([(0, 0x1F), ('"', '"'), ('\\', '\\')]).Complement())) };
        foreach (var c in Enumerable.Range(0, 0x20).Append('"').Append('\\'))
            if (set.Contains(c))
                options.Add(Regulars.Literal(Escaped(c)));
        return Regulars.Or(options);
    }

    /// <summary>A string in UTF-8.</summary>
    public static byte[] Quote(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var c in text)
            if (c is < ' ' or '"' or '\\')
                result.Append(Escaped(c));
            else
                result.Append(c);
        return Encoding.UTF8.GetBytes(result.Append('"').ToString());
    }

    /// <summary>All ways to write a number without an exponent: zeros may follow a fraction.</summary>
    public Regular SameNumber(DecimalNumber value)
    {
        var text = value.ToString();
        var zeros = Regulars.Repeat(Regulars.Literal("0"), 0, Regular.Unbounded);
        var written = text.Contains('.', StringComparison.Ordinal) ? Regulars.Concat(Regulars.Literal(text), zeros)
            : Regulars.Concat(Regulars.Literal(text), Regulars.Optional(Regulars.Concat(Regulars.Literal(".0"), zeros)));
        return value.IsZero ? Regulars.Concat(Regulars.Optional(Regulars.Literal("-")), written) : written;
    }

    static string Escaped(int c) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => "\\u" + c.ToString("x4", CultureInfo.InvariantCulture),
    };
}
