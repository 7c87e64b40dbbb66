using System.Text;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// Turns a streamed answer into contents. What may be a call of a tool on offer is held back until that is decided: an answer that begins like one,
/// what follows the python tag, a function tag anywhere. Calls of other names are text. One instance per answer.
/// </summary>
/// <param name="names">The tools on offer.</param>
/// <param name="manyCalls">Whether more than the first call counts.</param>
/// <param name="defined">Those of them that the prompt defined, whatever their names; the others are built in if they have such a name.</param>
/// <param name="guard">What held the answer; null = nothing.</param>
/// <param name="prefill">The beginning of the answer that the caller wrote; it is read with the rest and not given back.</param>
sealed class ReplyReader(IReadOnlyCollection<string> names, bool manyCalls, IReadOnlyCollection<string>? defined = null, ReplyGuard? guard = null, string prefill = "")
{
    const string PythonTag = "<|python_tag|>";

    readonly StringBuilder _held = new(prefill);
    readonly string _answer = Guid.NewGuid().ToString("n")[..8]; // ids are unique in a dialogue
    int _own = prefill.Length; // characters of the prefill that are still held
    int _calls;
    bool _isInside = names.Count == 0, _isTagged;

    /// <summary>Whether there were calls.</summary>
    public bool HasCalls => _calls > 0;

    /// <summary>The contents that are certain now.</summary>
    /// <param name="piece">The next text.</param>
    /// <param name="isLast">Whether the answer ends with it.</param>
    /// <param name="isPythonTag">Whether the token was the python tag, which has no text.</param>
    public List<AIContent> Push(string piece, bool isLast, bool isPythonTag = false)
    {
        var contents = new List<AIContent>();
        if (isPythonTag && !_isTagged && names.Count > 0)
        {
            Release(_held.Length, contents);
            _isTagged = true;
        }
        _held.Append(piece);
        var text = _held.ToString();
        if (_isTagged)
        {
            if (isLast)
                Decide(PythonTag + text, contents);
            return contents;
        }
        _isInside = _isInside || !MayBecomeCalls(text);
        if (_isInside)
            ReadInside(isLast, contents);
        else if (isLast)
            Decide(text, contents);
        return contents;
    }

    /// <summary>All that is held is calls of tools on offer, or text.</summary>
    void Decide(string text, List<AIContent> contents)
    {
        if (AssistantText.Parse(text, null, defined ?? []).Calls is { Count: > 0 } calls && calls.All(c => names.Contains(c.Name)) && guard?.IsCall(_held.ToString()) != false)
            Call(calls, contents);
        else
            Release(_held.Length, contents);
    }

    /// <summary>Text with function tags among it.</summary>
    void ReadInside(bool isLast, List<AIContent> contents)
    {
        while (_held.Length > 0)
        {
            var text = _held.ToString();
            var start = names.Count == 0 ? text.Length : TagStart(text);
            Release(start, contents);
            text = text[start..];
            if (text.Length == 0)
                return;
            var (call, length) = ReadTag(text, isLast);
            if (call is not null && names.Contains(call.Name))
            {
                Call([call], contents);
                _held.Append(text.AsSpan(length)); // the rest
            }
            else if (isLast || !MayBecomeTag(text))
                Release(1, contents);
            else
                return;
        }
    }

    /// <summary>The first function tag whose arguments can be read, and where it ends.</summary>
    static (FunctionCallContent? Call, int Length) ReadTag(string text, bool isLast)
    {
        for (var end = text.IndexOf(FunctionTags.End, StringComparison.Ordinal); end >= 0; end = text.IndexOf(FunctionTags.End, end + 1, StringComparison.Ordinal))
            if (FunctionTags.ParseFirst(text[..end]) is { } call)
                return (call, end + FunctionTags.End.Length);
        return isLast && FunctionTags.ParseFirst(text) is { } last ? (last, text.Length) : (null, 0);
    }

    /// <summary>Where a function tag begins, or at the end its first characters.</summary>
    static int TagStart(string text)
    {
        var start = text.IndexOf(FunctionTags.Start, StringComparison.Ordinal);
        for (var n = Math.Max(0, text.Length - FunctionTags.Start.Length); start < 0 && n < text.Length; n++)
            if (FunctionTags.Start.StartsWith(text[n..], StringComparison.Ordinal))
                start = n;
        return start < 0 ? text.Length : start;
    }

    bool MayBecomeTag(string text) => text.Length <= FunctionTags.Start.Length
        || names.Any(n => Agree($"{FunctionTags.Start}{n}>{{", text) || text.Length > FunctionTags.Start.Length + n.Length && Agree($"{FunctionTags.Start}{n}>", text) && text[(FunctionTags.Start.Length + n.Length + 1)..].TrimStart() is "" or ['{', ..]);

    void Call(IReadOnlyList<FunctionCallContent> calls, List<AIContent> contents)
    {
        _held.Clear();
        _own = 0;
        foreach (var call in calls.Take(manyCalls ? calls.Count : Math.Max(0, 1 - _calls)))
            contents.Add(new FunctionCallContent($"call_{_answer}_{_calls++}", call.Name, call.Arguments));
    }

    void Release(int length, List<AIContent> contents)
    {
        var own = Math.Min(_own, length);
        var text = _held.ToString(own, length - own);
        if (text.Length > 0 && !(HasCalls && string.IsNullOrWhiteSpace(text))) // blanks between calls are no content
            contents.Add(new TextContent(text));
        _own -= own;
        _held.Remove(0, length);
    }

    /// <summary>Whether a text is the beginning of a list of calls, a JSON call or a built-in tool's call, or goes on behind it.</summary>
    bool MayBecomeCalls(string text)
    {
        text = text.TrimStart();
        return text switch
        {
            "" => true,
            ['[', .. var rest] => names.Any(n => Agree(n + "(", Squeeze(rest.TrimStart(), n.Length))),
            ['{', .. var rest] => JsonCalls.Keys.Any(k => Agree($"\"{k}\"", rest.TrimStart())),
            _ => names.Any(n => Agree(n + BuiltinCall.QueryStart, text)),
        };
    }

    /// <summary>Takes out blanks behind a name.</summary>
    static string Squeeze(string text, int name) => text.Length <= name ? text : text[..name] + text[name..].TrimStart();

    /// <summary>Whether one text begins with the other.</summary>
    static bool Agree(string one, string other) => one.StartsWith(other, StringComparison.Ordinal) || other.StartsWith(one, StringComparison.Ordinal);
}
