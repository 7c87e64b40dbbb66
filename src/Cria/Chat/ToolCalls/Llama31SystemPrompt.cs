using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>The system message of Llama 3.1: built-in tools, dates, the system text (llama-models 8c88b8c, `LLama31Interface.system_messages`; spec section 6.2).</summary>
static class Llama31SystemPrompt
{
    public static IReadOnlyList<ChatMessage> Compose(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        if (options.Tools.Count > 0)
            throw new CriaException("tools are written pythonically only, as Llama 3.2 expects them; Llama 3.1's system prompt takes built-in tools");
        var system = messages.Count > 0 && messages[0].Role == ChatRole.System ? messages[0].Text : null;
        var date = options.Date ?? ChatFormat.Today("dd MMMM yyyy");
        var text = BuiltinCall.Environment(options.BuiltinTools) + $"Cutting Knowledge Date: December 2023\nToday Date: {date}\n"
            + (system is null ? "" : $"\n{system}\n");
        return [new(ChatRole.System, text), .. messages.Skip(system is null ? 0 : 1)];
    }
}
