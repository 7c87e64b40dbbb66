using System.Globalization;
using System.Text;
using System.Text.Json;
using Cria.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>
/// The zero-shot pythonic call format of Llama 3.2: `[name(key="value", n=1), other()]` (spec sections 6.3 f and 6.5).
/// </summary>
public static class PythonicCalls
{
    const int MaxDepth = 60; // JSON writers take 64

    /// <summary>Calls as one list, as llama-models writes them (`ToolUtils.encode_tool_call`, python_list).</summary>
    public static string Write(IEnumerable<FunctionCallContent> calls) =>
        $"[{string.Join(", ", calls.Select(c => $"{c.Name}({string.Join(", ", (c.Arguments ?? new Dictionary<string, object?>()).Select(a => $"{a.Key}={PythonLiteral.Write(a.Value)}"))})"))}]";

    /// <summary>
    /// The calls of a text that is nothing but one list of calls with plain names and keyword arguments; null if it is anything else.
    /// Argument values are string, bool, long, double, JSON of a number that neither holds, null, lists and dictionaries of these.
    /// </summary>
    public static IReadOnlyList<FunctionCallContent>? Parse(string text) => new Parser(text).Calls();

    /// <summary>A list of calls.</summary>
    internal static Node Grammar(GrammarBuilder grammar, Node call, int most) =>
        GrammarBuilder.Sequence(grammar.Literal("["), grammar.Repeat(call, 1, most, new Terminal(grammar.Json.Comma)), grammar.Literal("]"));

    /// <summary>One call.</summary>
    /// <exception cref="CriaException">The name is no identifier, or the schema cannot be honoured.</exception>
    internal static Node Grammar(GrammarBuilder grammar, string name, string schema) => ObjectRules.IsIdentifier(name)
        ? GrammarBuilder.Sequence(grammar.Literal(name), grammar.PythonArguments(schema)) : throw new CriaException("its name is no identifier, which a pythonic call needs");

    /// <summary>The dictionary of literals that a text begins with; null if it begins with none.</summary>
    internal static Dictionary<string, object?>? ParseDictionary(string text) => new Parser(text).Dictionary();

    /// <summary>A recursive descent over Python literals; a Fail anywhere means "not a call".</summary>
    ref struct Parser(string text)
    {
        sealed class Fail : Exception;

        int _at;

        public IReadOnlyList<FunctionCallContent>? Calls()
        {
            try
            {
                var calls = new List<FunctionCallContent>();
                Space();
                Expect('[');
                do
                {
                    if (Peek() == ']' && calls.Count > 0)
                        break;
                    calls.Add(Call(calls.Count));
                }
                while (Take(','));
                Expect(']');
                if (Peek() == '#') // a comment may end the line
                    _at = text.Length;
                Space();
                return _at == text.Length ? calls : null;
            }
            catch (Fail)
            {
                return null;
            }
        }

        public Dictionary<string, object?>? Dictionary()
        {
            try
            {
                return Peek() == '{' ? Map(0) : null;
            }
            catch (Fail)
            {
                return null;
            }
        }

        FunctionCallContent Call(int index)
        {
            var name = Name();
            Expect('(');
            var arguments = new Dictionary<string, object?>();
            while (Peek() != ')')
            {
                var key = Name();
                Expect('=');
                if (!arguments.TryAdd(key, Value(0)))
                    throw new Fail();
                if (!Take(','))
                    break;
            }
            Expect(')');
            return new FunctionCallContent($"call_{index}", name, arguments);
        }

        object? Value(int depth)
        {
            if (depth > MaxDepth)
                throw new Fail();
            var c = Peek();
            if (c is '"' or '\'' || IsStringPrefix())
            {
                var joined = new StringBuilder();
                do
                    String(joined);
                while (Peek() is '"' or '\'' || IsStringPrefix());
                return joined.ToString();
            }
            if (c is '[' or '(')
                return List(c == '[' ? ']' : ')', depth);
            if (c == '{')
                return Map(depth);
            if (char.IsAsciiDigit(c) || c is '-' or '+' or '.')
                return Number();
            return Name() switch
            {
                "True" or "true" => true,
                "False" or "false" => false,
                "None" or "null" => null,
                _ => throw new Fail(),
            };
        }

        object? List(char close, int depth)
        {
            _at++;
            var items = new List<object?>();
            var comma = false;
            while (Peek() != close)
            {
                items.Add(Value(depth + 1));
                comma = Take(',');
                if (!comma)
                    break;
            }
            Expect(close);
            return close == ')' && items.Count == 1 && !comma ? items[0] : items; // (x) is x, (x,) is a tuple
        }

        Dictionary<string, object?> Map(int depth)
        {
            _at++;
            var map = new Dictionary<string, object?>();
            while (Peek() != '}')
            {
                var key = Value(depth + 1) switch
                {
                    string s => s,
                    bool b => b ? "True" : "False",
                    null => "None",
                    IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                    _ => throw new Fail(),
                };
                Expect(':');
                map[key] = Value(depth + 1);
                if (!Take(','))
                    break;
            }
            Expect('}');
            return map;
        }

        object Number()
        {
            var sign = 1;
            while (Peek() is '-' or '+')
                sign *= text[_at++] == '-' ? -1 : 1;
            var start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '_' or '.'
                || text[_at] is '+' or '-' && text[_at - 1] is 'e' or 'E' && !text.AsSpan(start, _at - start).StartsWith("0x", StringComparison.OrdinalIgnoreCase)))
                _at++;
            var digits = text[start.._at];
            if (digits.Length == 0 || digits[0] == '_' || digits[^1] == '_' || digits.Contains("__"))
                throw new Fail();
            digits = digits.Replace("_", "");
            if (digits.Length > 2 && digits[0] == '0' && "xXoObB".Contains(digits[1]))
            {
                try
                {
                    var value = Convert.ToUInt64(digits[2..], char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, _ => 2 });
                    return value <= long.MaxValue ? (object)(sign * (long)value) : sign * (double)value;
                }
                catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
                {
                    throw new Fail();
                }
            }
            var signed = sign < 0 ? "-" + digits : digits;
            if (digits.All(char.IsAsciiDigit))
            {
                if (digits.Length > 1 && digits[0] == '0' && digits.Any(d => d != '0'))
                    throw new Fail(); // Python forbids leading zeros
                if (long.TryParse(signed, CultureInfo.InvariantCulture, out var whole))
                    return whole;
            }
            if (!double.TryParse(signed, NumberStyles.Float, CultureInfo.InvariantCulture, out var real))
                throw new Fail();
            try
            {
                return JsonValues.Number(JsonElement.Parse(signed));
            }
            catch (JsonException) // 1. and .5, which only Python has
            {
                return double.IsFinite(real) ? real : throw new Fail();
            }
        }

        readonly bool IsStringPrefix() => _at + 1 < text.Length && text[_at] is 'r' or 'R' or 'u' or 'U' && text[_at + 1] is '"' or '\'';

        void String(StringBuilder value)
        {
            Space();
            var raw = text[_at] is 'r' or 'R';
            if (text[_at] is not ('"' or '\''))
                _at++;
            var quote = text[_at];
            var triple = text.AsSpan(_at).StartsWith(new string(quote, 3));
            _at += triple ? 3 : 1;
            while (true)
            {
                if (_at >= text.Length || !triple && text[_at] == '\n')
                    throw new Fail();
                if (text[_at] == quote && (!triple || text.AsSpan(_at).StartsWith(new string(quote, 3))))
                    break;
                if (text[_at] != '\\')
                    value.Append(text[_at++]);
                else if (raw)
                {
                    value.Append(text[_at++]);
                    if (_at < text.Length)
                        value.Append(text[_at++]);
                }
                else
                    Escape(value);
            }
            _at += triple ? 3 : 1;
        }

        void Escape(StringBuilder value)
        {
            if (_at + 1 >= text.Length)
                throw new Fail();
            var c = text[_at + 1];
            _at += 2;
            switch (c)
            {
                case '\n': break;
                case '\\' or '\'' or '"': value.Append(c); break;
                case 'a': value.Append('\a'); break;
                case 'b': value.Append('\b'); break;
                case 'f': value.Append('\f'); break;
                case 'n': value.Append('\n'); break;
                case 'r': value.Append('\r'); break;
                case 't': value.Append('\t'); break;
                case 'v': value.Append('\v'); break;
                case 'x': CodePoint(2, value); break;
                case 'u': CodePoint(4, value); break;
                case 'U': CodePoint(8, value); break;
                case >= '0' and <= '7':
                    var octal = c - '0';
                    for (var n = 1; n < 3 && _at < text.Length && text[_at] is >= '0' and <= '7'; n++)
                        octal = octal * 8 + text[_at++] - '0';
                    value.Append((char)octal);
                    break;
                default: value.Append('\\').Append(c); break;
            }
        }

        void CodePoint(int digits, StringBuilder value)
        {
            if (_at + digits > text.Length || !uint.TryParse(text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                || code > 0x10FFFF)
                throw new Fail();
            _at += digits;
            if (code < 0x10000)
                value.Append((char)code);
            else
                value.Append(char.ConvertFromUtf32((int)code));
        }

        string Name()
        {
            Space();
            var start = _at;
            while (_at < text.Length && (char.IsLetter(text[_at]) || text[_at] == '_' || _at > start && char.IsDigit(text[_at])))
                _at++;
            return _at > start ? text[start.._at] : throw new Fail();
        }

        bool Take(char c)
        {
            if (Peek() != c)
                return false;
            _at++;
            return true;
        }

        void Expect(char c)
        {
            if (!Take(c))
                throw new Fail();
        }

        char Peek()
        {
            Space();
            return _at < text.Length ? text[_at] : '\0';
        }

        void Space()
        {
            while (_at < text.Length && text[_at] is ' ' or '\t' or '\n' or '\r' or '\f')
                _at++;
        }
    }
}
