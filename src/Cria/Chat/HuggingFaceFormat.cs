using System.Text;
using Cria.Chat.Templates;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// The Hugging Face chat templates of Llama 3.1 and 3.2 Instruct (spec section 6.6). Text between two control tokens is one part,
/// as the template's output is encoded in one go.
/// </summary>
static class HuggingFaceFormat
{
    // Protocol constants: the words of the templates.
    const string CallShape =
        "Respond in the format {\"name\": function name, \"parameters\": dictionary of argument name and its value}.Do not use variables.\n\n";

    const string SystemTools = $"You have access to the following functions. To call a function, please respond with JSON for a function call.{CallShape}";

    const string UserTools =
        $"Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers the given prompt.\n\n{CallShape}";

    public static Prompt Render(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        if (messages.Count == 0)
            throw new CriaException("messages is empty");
        var builtin = options.Style == ChatStyle.HuggingFace31 ? options.BuiltinTools : null; // the 3.2 template has no such variable
        var system = "";
        if (messages[0].Role == ChatRole.System)
        {
            system = Trim(Content(messages[0]));
            messages = [.. messages.Skip(1)];
        }
        var date = options.Date ?? (options.Style == ChatStyle.HuggingFace31 ? "26 Jul 2024" : ChatFormat.Today("dd MMM yyyy")); // 3.1 has a constant
        var tools = options.Tools;
        var environment = tools is null && builtin is null ? "" : "Environment: ipython\n";
        if (builtin is not null)
            environment += $"Tools: {string.Join(", ", builtin.Where(t => t != "code_interpreter"))}\n\n";
        var parts = new List<PromptPart> { Control("<|begin_of_text|>") };
        var definitions = tools is null ? "" : string.Concat(tools.Select(t => new PythonJson(Indent: 4).ToText(ToolDefinition.Of(t)) + "\n\n"));
        var inSystem = tools is null || options.ToolsInUserMessage ? "" : SystemTools + definitions;
        Write("system", $"{environment}Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n{inSystem}{system}", parts);
        if (tools is not null && options.ToolsInUserMessage)
        {
            if (messages.Count == 0)
                throw new CriaException("this chat template puts tools into the first user message, and there is none");
            Write("user", UserTools + definitions + Trim(Content(messages[0])), parts);
            messages = [.. messages.Skip(1)];
        }
        foreach (var message in messages)
        {
            var calls = message.Contents.OfType<FunctionCallContent>().ToList();
            if (calls.Count > 0)
                WriteCall(calls, builtin, parts);
            else
                Write(ChatFormat.Header(message.Role), ChatFormat.Header(message.Role) == "ipython" ? ToolResult.ToJson(message) : Trim(Content(message)), parts);
        }
        if (options.AddGenerationPrompt)
            parts.AddRange([Control("<|start_header_id|>"), new("assistant"), Control("<|end_header_id|>"), new("\n\n")]);
        return new Prompt(parts);
    }

    static void Write(string role, string content, List<PromptPart> parts)
    {
        WriteHeader(role, "\n\n" + content, parts);
        parts.Add(Control("<|eot_id|>", role == "assistant"));
    }

    /// <summary>The template drops the content beside a call, and knows no second one.</summary>
    static void WriteCall(List<FunctionCallContent> calls, IReadOnlyList<string>? builtin, List<PromptPart> parts)
    {
        if (calls is not [var call])
            throw new CriaException("this chat template takes one tool call in a message; choose --style meta");
        var arguments = call.Arguments ?? new Dictionary<string, object?>();
        if (builtin?.Contains(call.Name) == true)
        {
            WriteHeader("assistant", "\n\n", parts);
            parts.Add(Control("<|python_tag|>", isReply: true));
            parts.Add(new($"{call.Name}.call({string.Join(", ", arguments.Select(a => $"{a.Key}=\"{a.Value}\""))})", IsReply: true));
        }
        else
        {
            WriteHeader("assistant", $"\n\n{{\"name\": \"{call.Name}\", \"parameters\": {PythonJson.Write(arguments)}}}", parts);
        }
        parts.Add(Control(builtin is null ? "<|eot_id|>" : "<|eom_id|>", isReply: true));
    }

    static void WriteHeader(string role, string content, List<PromptPart> parts) =>
        parts.AddRange([Control("<|start_header_id|>"), new(role), Control("<|end_header_id|>"), new(content, IsReply: role == "assistant")]);

    static PromptPart Control(string name, bool isReply = false) => new(name, IsControl: true, isReply);

    static string Content(ChatMessage message)
    {
        var text = new StringBuilder();
        foreach (var content in message.Contents)
            text.Append(content is TextContent t ? t.Text
                : throw new CriaException($"a {message.Role} message holds content that this chat template cannot express; choose --style meta"));
        return text.ToString();
    }

    static string Trim(string text) => JinjaMethods.Strip(text, null, start: true, end: true);
}
