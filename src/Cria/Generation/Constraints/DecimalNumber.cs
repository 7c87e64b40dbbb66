using System.Globalization;
using System.Numerics;

namespace Cria.Generation.Constraints;

/// <summary>A decimal number exactly: digits / 10^scale, with no needless zeros.</summary>
readonly record struct DecimalNumber
{
    const int MostDigits = 400;

    DecimalNumber(BigInteger digits, int scale)
    {
        while (scale > 0 && digits % 10 == 0)
            (digits, scale) = (digits / 10, scale - 1);
        (Digits, Scale) = (digits, scale);
    }

    public BigInteger Digits { get; }

    public int Scale { get; }

    public bool IsZero => Digits.IsZero;

    public bool IsNegative => Digits.Sign < 0;

    public bool IsInteger => Scale == 0;

    public DecimalNumber Negated => new(-Digits, Scale);

    /// <summary>Reads a JSON number; null if it is too long to be treated exactly.</summary>
    public static DecimalNumber? Parse(string text)
    {
        var at = text.AsSpan().IndexOfAny('e', 'E');
        var exponent = 0;
        if (at >= 0 && !int.TryParse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            return null;
        var mantissa = at < 0 ? text : text[..at];
        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        var scale = (dot < 0 ? 0 : mantissa.Length - dot - 1) - (long)exponent;
        if (Math.Abs(scale) > MostDigits || mantissa.Length > MostDigits)
            return null;
        var digits = BigInteger.Parse(dot < 0 ? mantissa : mantissa.Remove(dot, 1), CultureInfo.InvariantCulture);
        return scale < 0 ? new(digits * BigInteger.Pow(10, (int)-scale), 0) : new(digits, (int)scale);
    }

    public override string ToString()
    {
        var digits = BigInteger.Abs(Digits).ToString(CultureInfo.InvariantCulture).PadLeft(Scale + 1, '0');
        return (IsNegative ? "-" : "") + (Scale == 0 ? digits : digits[..^Scale] + "." + digits[^Scale..]);
    }
}
