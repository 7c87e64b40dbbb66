namespace Cria.Generation.Constraints;

/// <summary>Decimal numbers without exponent above or below a bound, by comparing their digits with its.</summary>
static class NumberRange
{
    public static Regular AtLeast(JsonText json, DecimalNumber bound, bool exclusive)
    {
        var r = json.Regulars;
        var minus = r.Literal("-");
        if (bound.IsNegative) // all that are not negative, and the negative ones whose size is at most that of the bound
            return r.Or(r.Concat(json.Natural, json.Fraction), r.Concat(minus, Size(json, bound.Negated, below: true, exclusive)));
        var above = Size(json, bound, below: false, exclusive);
        return bound.IsZero && !exclusive ? r.Or(above, r.Concat(minus, json.SameNumber(bound))) : above;
    }

    public static Regular AtMost(JsonText json, DecimalNumber bound, bool exclusive)
    {
        var r = json.Regulars;
        var minus = r.Literal("-");
        if (bound.IsNegative)
            return r.Concat(minus, Size(json, bound.Negated, below: false, exclusive));
        var negative = bound.IsZero && exclusive ? Size(json, bound, below: false, exclusive: true) : r.Concat(json.Natural, json.Fraction);
        return bound.IsZero && exclusive ? r.Concat(minus, negative) : r.Or(r.Concat(minus, negative), Size(json, bound, below: true, exclusive));
    }

    /// <summary>Numbers without sign on one side of a bound that is not negative.</summary>
    static Regular Size(JsonText json, DecimalNumber bound, bool below, bool exclusive)
    {
        var r = json.Regulars;
        var text = bound.ToString();
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var whole = dot < 0 ? text : text[..dot];
        var part = dot < 0 ? "" : text[(dot + 1)..];
        var digit = r.Bytes(ByteSet.Range('0', '9'));
        var options = new List<Regular>();

        // Another number of digits before the point.
        if (!below)
            options.Add(r.Concat(r.Bytes(ByteSet.Range('1', '9')), r.Repeat(digit, whole.Length, Regular.Unbounded), json.Fraction));
        else if (whole.Length > 1)
            options.Add(r.Concat(r.Or(r.Literal("0"), r.Concat(r.Bytes(ByteSet.Range('1', '9')), r.Repeat(digit, 0, whole.Length - 2))), json.Fraction));

        // As many, the first that differs before the point.
        for (var i = 0; i < whole.Length; i++)
        {
            var least = i == 0 && whole.Length > 1 ? '1' : '0';
            var other = below ? Digits(least, whole[i] - 1) : Digits(whole[i] + 1, '9');
            options.Add(r.Concat(r.Literal(whole[..i]), other, r.Repeat(digit, whole.Length - 1 - i, whole.Length - 1 - i), json.Fraction));
        }

        // The same before the point; after it the first that differs, or none.
        var fractions = new List<Regular>();
        for (var i = 0; i < part.Length; i++)
        {
            var other = below ? Digits('0', part[i] - 1) : Digits(part[i] + 1, '9');
            fractions.Add(r.Concat(r.Literal(part[..i]), other, r.Repeat(digit, 0, Regular.Unbounded)));
            if (below && i > 0)
                fractions.Add(r.Literal(part[..i]));
        }
        var zeros = r.Repeat(r.Literal("0"), 0, Regular.Unbounded);
        if (!below)
            fractions.Add(r.Concat(r.Literal(part), zeros, r.Bytes(ByteSet.Range('1', '9')), r.Repeat(digit, 0, Regular.Unbounded)));
        if (!exclusive)
            fractions.Add(part.Length > 0 ? r.Concat(r.Literal(part), zeros) : r.Repeat(r.Literal("0"), 1, Regular.Unbounded));
        options.Add(r.Concat(r.Literal(whole + "."), r.Or(fractions)));
        if (part.Length > 0 ? below : !exclusive)
            options.Add(r.Literal(whole));
        return r.Or(options);

        Regular Digits(int first, int last) => first > last ? Regular.Nothing : r.Bytes(ByteSet.Range(first, last));
    }
}
