using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cria.Tests;

/// <summary>Damages files: a seeded source of truncations, flipped bytes, and JSON values that lie.</summary>
sealed class Mutator(int seed)
{
    const string Mark = "@mark@", Telling = "{}[]\",:0-9.\\\n \0\xFF";

    static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static readonly string[] Lies =
    [
        "null", "true", "false", "0", "-0", "-1", "1", "2", "3", "1.5", "1e400", "-1e400", "1e-400", "2147483647", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "1e9", "NaN", "\"\"", "\"x\"", "\"\\n\"", "\"\\u0000\"", "\"\\ud800\"", "\"../x\"", "\"/dev/zero\"", "[]", "[0]",
        "[-1]", "[0,0]", "[1,2,3]", "[[[]]]", "[null]", "[\"x\"]", "{}", "{\"x\":1}", "{\"x\":1,\"x\":2}", "1,\"x\":2", "1,2", "",
    ];

    /// <summary>The file that a pickle would write if it were executed.</summary>
    public const string Ran = "cria-pickle-ran";

    const string Command = "touch " + Ran;

    /// <summary>Opcodes of pickles, those that make Python run code among them.</summary>
    public static readonly string[] Gadgets =
    [
        "(", ")", "]", "}", "N", "\x88", "t", "\x85", "\x86", "\x87", "s", "u", "a", "e", "R", "b", "Q", ".", "0", "1", "2", "q\0", "h\0", "h\xFF", "r\xFF\xFF\xFF\xFF", "j\0\0\0\0",
        "K\xFF", "J\0\0\0\x80", "M\xFF\xFF", "\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "\x8A\x08\0\0\0\0\0\0\0\x80", "\x8A\xFF", "G\x7F\xF0\0\0\0\0\0\0", "X\xFF\xFF\xFF\x7F", "X\x01\0\0\0a",
        "U\u0003abc", "cposix\nsystem\n", "cos\nsystem\n", "cbuiltins\neval\n", "cbuiltins\nexec\n", "c__builtin__\ngetattr\n", "csubprocess\nPopen\n", "cnumpy.core.multiarray\n_reconstruct\n",
        "ctorch\nload\n", "ctorch.hub\nload\n", "ctorch\nSize\n", "ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_parameter\n", "ctorch\nDoubleStorage\n", "\x81", "iposix\nsystem\n",
        "o", "\x82\x01", "\x83\x01\0", "\x84\x01\0\0\0", "\x93", "\x95\xFF\0\0\0\0\0\0\0", "\x80\x04", "cposix\nsystem\nX" + $"{(char)Command.Length}\0\0\0{Command}\x85R", "}q\0h\0s", "]q\0h\0a", "((((((((", "\x85\x85\x85\x85\x85\x85\x85\x85",
    ];

    readonly Random _random = new(seed);

    /// <summary>A copy with one to four damages to its bytes.</summary>
    public byte[] Bytes(byte[] source)
    {
        var bytes = source.ToList();
        for (var n = _random.Next(1, 5); n > 0 && bytes.Count > 0; n--)
        {
            var at = _random.Next(bytes.Count);
            var length = Math.Min(_random.Next(1, 40), bytes.Count - at);
            switch (_random.Next(8))
            {
                case 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(_random.Next(bytes.Count - length + 1), length));
                    break;
                case 3:
                    bytes.InsertRange(at, Enumerable.Range(0, length).Select(_ => (byte)_random.Next(256)));
                    break;
                case 4:
                    bytes[at] = (byte)Telling[_random.Next(Telling.Length)];
                    break;
                default:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>A JSON text with one to three values or names replaced.</summary>
    public byte[] Json(byte[] source)
    {
        var root = JsonNode.Parse(source)!;
        var lies = new List<string>();
        for (var n = _random.Next(1, 4); n > 0; n--)
        {
            var nodes = Descendants(root).Where(v => v.Parent is not null).ToList();
            if (nodes.Count == 0)
                break;
            var node = nodes[_random.Next(nodes.Count)];
            if (_random.Next(6) == 0 && node.Parent is JsonObject parent)
            {
                Rename(parent, node.GetPropertyName());
                continue;
            }
            lies.Add(Lie(node));
            node.ReplaceWith(JsonValue.Create($"{Mark}{lies.Count - 1}"));
        }
        var text = root.ToJsonString(Relaxed);
        for (var i = 0; i < lies.Count; i++)
            text = text.Replace($"\"{Mark}{i}\"", lies[i]);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>A text with lines dropped, doubled, exchanged or damaged.</summary>
    public byte[] Lines(byte[] source)
    {
        var lines = Encoding.UTF8.GetString(source).Split('\n').ToList();
        for (var n = _random.Next(1, 4); n > 0 && lines.Count > 1; n--)
        {
            var (a, b) = (_random.Next(lines.Count), _random.Next(lines.Count));
            switch (_random.Next(5))
            {
                case 0:
                    lines.RemoveAt(a);
                    break;
                case 1:
                    lines.Insert(a, lines[b]);
                    break;
                case 2:
                    (lines[a], lines[b]) = (lines[b], lines[a]);
                    break;
                case 3:
                    lines[a] = lines[a].Split(' ')[0] + " " + Lies[_random.Next(Lies.Length)];
                    break;
                default:
                    lines[a] = Encoding.UTF8.GetString(Bytes(Encoding.UTF8.GetBytes(lines[a])));
                    break;
            }
        }
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    /// <summary>A pickle with one to three opcodes, gadgets or pieces of itself put in or in place of what it had.</summary>
    public byte[] Pickle(byte[] source)
    {
        var bytes = source.ToList();
        for (var n = _random.Next(1, 4); n > 0; n--)
        {
            var at = _random.Next(2, bytes.Count);
            var gadget = Encoding.Latin1.GetBytes(Gadgets[_random.Next(Gadgets.Length)]);
            var gone = Math.Min(_random.Next(3) == 0 ? gadget.Length : 0, bytes.Count - at - 1);
            bytes.RemoveRange(at, Math.Max(0, gone));
            bytes.InsertRange(at, _random.Next(5) == 0 ? bytes.GetRange(at, Math.Min(_random.Next(1, 60), bytes.Count - at)) : gadget);
        }
        return [.. bytes];
    }

    public int Next(int count) => _random.Next(count);

    string Lie(JsonNode node)
    {
        if (node is JsonValue value && value.TryGetValue(out long number) && _random.Next(2) == 0)
            return _random.Next(5) switch { 0 => $"{number + 1}", 1 => $"{number - 1}", 2 => $"{-number}", 3 => $"{number * 2}", _ => $"{number * 1000003}" };
        return _random.Next(20) switch
        {
            0 => new string('[', 200) + new string(']', 200),
            1 => "\"" + new string('x', 5000) + "\"",
            2 => "[" + string.Join(',', Enumerable.Repeat("1", 3000)) + "]",
            3 when node.Parent is JsonObject parent => $"1,\"{parent.First().Key}\":1",
            _ => Lies[_random.Next(Lies.Length)],
        };
    }

    void Rename(JsonObject parent, string name)
    {
        var value = parent[name];
        parent.Remove(name);
        if (_random.Next(2) == 0)
            parent[_random.Next(2) == 0 ? name + "x" : new string('y', _random.Next(2000))] = value;
    }

    static IEnumerable<JsonNode> Descendants(JsonNode node)
    {
        yield return node;
        var children = node switch
        {
            JsonObject o => o.Select(p => p.Value),
            JsonArray a => a,
            _ => [],
        };
        foreach (var child in children)
            if (child is not null)
                foreach (var inner in Descendants(child))
                    yield return inner;
    }
}
