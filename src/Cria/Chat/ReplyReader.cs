using System.Text;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// Turns a streamed answer into contents. Where tools are on offer, text that begins like a list of calls is held back until it cannot
/// be one any more, or the answer ends and it is one. One instance per answer.
/// </summary>
sealed class ReplyReader(bool mayCall, bool manyCalls)
{
    readonly StringBuilder _held = new();
    bool _isText = !mayCall;

    /// <summary>Whether the answer was a list of calls; known at its end.</summary>
    public bool HasCalls { get; private set; }

    /// <summary>The contents that are certain now.</summary>
    public List<AIContent> Push(string piece, bool isLast)
    {
        _held.Append(piece);
        var text = _held.ToString();
        _isText = _isText || !MayBecomeCalls(text);
        if (!_isText && !isLast)
            return [];
        _held.Clear();
        if (!_isText && AssistantText.Parse(text).Calls is { Count: > 0 } calls)
        {
            HasCalls = true;
            var answer = Guid.NewGuid().ToString("n")[..8]; // ids are unique in a dialogue
            return [.. calls.Take(manyCalls ? int.MaxValue : 1).Select((c, i) => new FunctionCallContent($"call_{answer}_{i}", c.Name, c.Arguments))];
        }
        return text.Length > 0 ? [new TextContent(text)] : [];
    }

    /// <summary>Whether a text is the beginning of `[name(`, or goes on behind it.</summary>
    static bool MayBecomeCalls(ReadOnlySpan<char> text)
    {
        text = text.TrimStart();
        if (text is not ['[', .. var rest])
            return text.IsEmpty;
        rest = rest.TrimStart();
        var name = 0;
        while (name < rest.Length && (char.IsLetter(rest[name]) || rest[name] == '_' || name > 0 && char.IsDigit(rest[name])))
            name++;
        var behind = rest[name..].TrimStart();
        return behind.IsEmpty || name > 0 && behind[0] == '(';
    }
}
