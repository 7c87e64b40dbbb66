namespace Cria.Generation.Constraints;

/// <summary>The formats of strings that JSON Schema names, as patterns (RFC 3339, 3986, 1123, 5321, 4122, 4291, 6901, 6570).</summary>
static class StringFormats
{
    const string Date = @"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
    const string Time = @"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
    const string Byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    const string IPv4 = $@"{Byte}(?:\.{Byte}){{3}}";
    const string H16 = "[0-9A-Fa-f]{1,4}";
    const string Low = $"(?:{H16}:{H16}|{IPv4})";
    const string IPv6 = $"(?:(?:{H16}:){{6}}{Low}|::(?:{H16}:){{5}}{Low}|(?:{H16})?::(?:{H16}:){{4}}{Low}|(?:(?:{H16}:){{0,1}}{H16})?::(?:{H16}:){{3}}{Low}|(?:(?:{H16}:){{0,2}}{H16})?::(?:{H16}:){{2}}{Low}|(?:(?:{H16}:){{0,3}}{H16})?::{H16}:{Low}|(?:(?:{H16}:){{0,4}}{H16})?::{Low}|(?:(?:{H16}:){{0,5}}{H16})?::{H16}|(?:(?:{H16}:){{0,6}}{H16})?::)";
    const string Label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    const string Host = $@"(?=.{{1,253}}$){Label}(?:\.{Label})*";
    const string Escaped = "%[0-9A-Fa-f]{2}";
    const string Pchar = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{Escaped})";
    const string Tail = $@"(?:\?(?:{Pchar}|[/?])*)?(?:#(?:{Pchar}|[/?])*)?";
    const string Authority = $@"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|{Escaped})*@)?(?:\[(?:{IPv6}|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|{Escaped})*)(?::[0-9]*)?";
    const string Segments = $"(?:/{Pchar}*)*";
    const string Absolute = $"/(?:{Pchar}+{Segments})?";
    const string Uri = $"[A-Za-z][A-Za-z0-9+.-]*:(?://{Authority}{Segments}|{Absolute}|{Pchar}+{Segments}|){Tail}";
    const string NoColon = $"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|{Escaped})";
    const string Relative = $"(?://{Authority}{Segments}|{Absolute}|{NoColon}+{Segments}|){Tail}";
    const string Atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";

    /// <summary>The pattern of the whole string; null if the format is none that JSON Schema defines, and so an annotation.</summary>
    public static string? Pattern(string format) => format switch
    {
        "date" => Date,
        "time" => Time,
        "date-time" => $"{Date}[Tt]{Time}",
        "duration" => @"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)?(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?)",
        "email" => $@"(?=.{{1,254}}$)(?=[^@]{{1,64}}@){Atom}(?:\.{Atom})*@{Label}(?:\.{Label})*",
        "hostname" => Host,
        "ipv4" => IPv4,
        "ipv6" => IPv6,
        "uri" => Uri,
        "uri-reference" => $"(?:{Uri}|{Relative})",
        "uuid" => "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        "json-pointer" => "(?:/(?:[^~/]|~[01])*)*",
        "relative-json-pointer" => "(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~[01])*)*)",
        _ => null,
    };

    /// <summary>Formats that JSON Schema defines and that no regular language is exactly.</summary>
    public static bool IsRefused(string format) => format is "regex" or "idn-email" or "idn-hostname" or "iri" or "iri-reference" or "uri-template";
}
