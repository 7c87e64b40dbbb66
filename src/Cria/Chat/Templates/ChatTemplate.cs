using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat.Templates;

/// <summary>
/// A chat template in Jinja as transformers runs it (`apply_chat_template`), with limits on steps, depth and length and no way out: a template
/// sees the dialogue, the tools and the date, nothing else. Immutable and thread-safe.
/// </summary>
public sealed partial class ChatTemplate
{
    const int MostCharacters = 1 << 18;

    const int FirstStandIn = 0xE000, LastStandIn = 0xF8FF; // the private use area

    readonly Statement _body;
    readonly Func<string, bool> _isControl;

    ChatTemplate(Statement body, Func<string, bool> isControl) => (_body, _isControl) = (body, isControl);

    /// <summary>Reads a template.</summary>
    /// <param name="text">The template.</param>
    /// <param name="isControl">Whether a text like `&lt;|eot_id|>` is a control token of the vocabulary.</param>
    /// <exception cref="CriaException">It is no template, or uses what chat templates do not; the error names the line.</exception>
    public static ChatTemplate Parse(string text, Func<string, bool> isControl) => text.Length > MostCharacters
        ? throw new CriaException($"the chat template has more than {MostCharacters} characters")
        : new(new JinjaParser(JinjaLexer.Read(text)).Template(), isControl);

    /// <summary>Writes a dialogue. Text of messages and tools that looks like a control token stays text: while the template runs, another character stands for its `&lt;`.</summary>
    internal Prompt Render(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        var strangers = new HashSet<char>();
        var plain = new Dictionary<string, object?>
        {
            ["messages"] = messages.Select(Message).ToList<object?>(),
            ["tools"] = options.Tools?.Select(t => JinjaValue.From(ToolDefinition.Of(t))).ToList(),
        };
        Visit(plain, text => strangers.UnionWith(text.Where(c => c >= FirstStandIn && c <= LastStandIn)));
        var standIn = Enumerable.Range(FirstStandIn, LastStandIn - FirstStandIn + 1).Select(c => (char)c).First(c => !strangers.Contains(c));
        var run = new JinjaRun();
        var scope = new JinjaScope(run, null)
        {
            ["bos_token"] = "<|begin_of_text|>",
            ["eos_token"] = "<|eot_id|>",
            ["add_generation_prompt"] = options.AddGenerationPrompt,
            ["documents"] = null,
            ["raise_exception"] = (Callable)(a => throw new CriaException($"the chat template says: {OneLine.Cut(JinjaValue.Text(a.Get(0, "message")))}")),
            ["strftime_now"] = (Callable)(a => Time(JinjaValue.Text(a.Get(0, "format")), DateTime.Now)),
            ["namespace"] = (Callable)(a => new JinjaNamespace(new(a.Named))),
            ["dict"] = (Callable)(a => new Dictionary<string, object?>(a.Named)),
            ["range"] = (Callable)Range,
        };
        foreach (var (name, value) in plain)
            scope[name] = Replace(value, standIn);
        if (options.Date is { } date)
            scope["date_string"] = date;
        if (options.BuiltinTools is { } builtin)
            scope["builtin_tools"] = builtin.ToList<object?>();
        if (!options.ToolsInUserMessage)
            scope["tools_in_user_message"] = false;
        try
        {
            _body(scope);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or ArithmeticException)
        {
            throw new CriaException($"chat template: {OneLine.Cut(e.Message)}", e); // of a filter or method that was given what it does not take
        }
        return Cut(run.Output.ToString(), standIn);
    }

    /// <summary>A message as OpenAI's API has it.</summary>
    static object? Message(ChatMessage message)
    {
        var map = new Dictionary<string, object?> { ["role"] = message.Role.Value };
        var calls = message.Contents.OfType<FunctionCallContent>().ToList();
        var result = message.Contents.OfType<FunctionResultContent>().FirstOrDefault();
        var text = new StringBuilder();
        foreach (var content in message.Contents)
            if (content is not (FunctionCallContent or FunctionResultContent))
                text.Append(content is TextContent t ? t.Text : throw new CriaException($"a {message.Role} message holds content that a chat template cannot express; choose --style meta"));
        if (calls.Count == 0 || text.Length > 0)
            map["content"] = result is not null ? JinjaValue.From(result.Result) : text.ToString();
        if (calls.Count > 0)
            map["tool_calls"] = calls.ConvertAll(object? (c) => new Dictionary<string, object?>
            {
                ["id"] = c.CallId,
                ["type"] = "function",
                ["function"] = new Dictionary<string, object?> { ["name"] = c.Name, ["arguments"] = JinjaValue.From(c.Arguments ?? new Dictionary<string, object?>()) },
            });
        if (result is not null)
            map["tool_call_id"] = result.CallId;
        return map;
    }

    static void Visit(object? value, Action<string> see)
    {
        switch (value)
        {
            case string text:
                see(text);
                break;
            case List<object?> list:
                list.ForEach(i => Visit(i, see));
                break;
            case Dictionary<string, object?> map:
                foreach (var (key, item) in map)
                {
                    see(key);
                    Visit(item, see);
                }
                break;
        }
    }

    /// <summary>`&lt;` before `|` or at the end of a text becomes the stand-in.</summary>
    static object? Replace(object? value, char standIn) => value switch
    {
        string text => Opening().Replace(text, standIn.ToString()),
        List<object?> list => list.ConvertAll(i => Replace(i, standIn)),
        Dictionary<string, object?> map => map.ToDictionary(p => (string)Replace(p.Key, standIn)!, p => Replace(p.Value, standIn)),
        _ => value,
    };

    Prompt Cut(string text, char standIn)
    {
        var parts = new List<PromptPart>();
        var at = 0;
        foreach (Match control in Control().Matches(text))
        {
            if (!_isControl(control.Value))
                continue;
            Add(text[at..control.Index]);
            parts.Add(new(control.Value, IsControl: true));
            at = control.Index + control.Length;
        }
        Add(text[at..]);
        return new Prompt(parts);

        void Add(string piece)
        {
            if (piece.Length > 0)
                parts.Add(new(piece.Replace(standIn, '<')));
        }
    }

    static List<object?> Range(Arguments arguments)
    {
        var first = JinjaValue.Int(arguments.Get(0, "start"));
        var (start, stop) = arguments.Positional.Count > 1 ? (first, JinjaValue.Int(arguments.Positional[1])) : (0, first);
        var step = JinjaValue.Int(arguments.Get(2, "step", 1L));
        var count = step == 0 ? throw new CriaException("chat template: a range has the step 0") : Math.Max(0, ((long)stop - start + step - Math.Sign(step)) / step);
        return count > 100_000 ? throw new CriaException("chat template: a range is too long")
            : [.. Enumerable.Range(0, (int)count).Select(i => (object?)((long)start + (long)i * step))];
    }

    /// <summary>Python's strftime, in English.</summary>
    internal static string Time(string format, DateTime time)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            var bare = format[++i] == '-' && i + 1 < format.Length;
            var code = bare ? format[++i] : format[i];
            var written = code switch
            {
                'd' => Show("dd"),
                'm' => Show("MM"),
                'y' => Show("yy"),
                'Y' => Show("yyyy"),
                'b' => Show("MMM"),
                'B' => Show("MMMM"),
                'a' => Show("ddd"),
                'A' => Show("dddd"),
                'H' => Show("HH"),
                'I' => Show("hh"),
                'M' => Show("mm"),
                'S' => Show("ss"),
                'p' => Show("tt"),
                'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                '%' => "%",
                _ => throw new CriaException($"chat template: the date format %{code} is not known"),
            };
            text.Append(bare ? written.TrimStart('0') : written);
        }
        return text.ToString();

        string Show(string part) => time.ToString(part, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"<(?=\||\z)")]
    private static partial Regex Opening();

    [GeneratedRegex(@"<\|[^<>|\s]+\|>")]
    private static partial Regex Control();
}
