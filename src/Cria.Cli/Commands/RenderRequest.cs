using System.Text.Json;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>One line of `cria render --batch`.</summary>
static class RenderRequest
{
    const JsonValueKind Object = JsonValueKind.Object, Array = JsonValueKind.Array;

    public static Prompt Render(JsonElement line, string model)
    {
        var messages = ChatJson.ReadMessages(line.Get("messages", Array) ?? throw new CriaException("messages is missing"));
        var options = line.Get("options", Object) ?? default;
        var style = Style(line.GetText("style"), line.GetText("template"), model);
        return ChatFormat.Render(messages, new ChatFormatOptions
        {
            Style = style,
            Date = line.GetText("date"),
            AddGenerationPrompt = line.Get("add_generation_prompt", JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? true,
            Tools = Tools(line, options, style, messages),
            BuiltinTools = options.ValueKind == Object ? BuiltinTools(options) : null,
            Mode = Option(options, "mode", "dialog", ("dialog", ChatMode.Dialog), ("message", ChatMode.Message), ("completion", ChatMode.Completion)),
            SystemPrompt = Option(options, "compose", "none", ("none", SystemPrompt.Auto), ("llama3.1", SystemPrompt.Llama31), ("llama3.2", SystemPrompt.Llama32)),
            SystemReplacesTools = Option(options, "system_behavior", "append", ("append", false), ("replace", true)),
        });
    }

    /// <summary>The style asked for; without one that of the template given, else that of the model's own template, else Meta's.</summary>
    public static ChatStyle Style(string? style, string? template, string model)
    {
        if (style is not (null or "meta" or "hf"))
            throw new CriaException($"style is \"{style}\", not \"meta\" or \"hf\"");
        if (style == "meta")
            return ChatStyle.Meta;
        var found = template is null ? ChatFormat.StyleOf(model) : ChatFormat.Recognise(Input.ReadText(template));
        return style is null || found != ChatStyle.Meta ? found : throw new CriaException($"{model} has no chat template; name one with --template");
    }

    /// <summary>The tools that are written at all: Meta's style writes none without `compose`.</summary>
    static List<AIFunctionDeclaration> Tools(JsonElement line, JsonElement options, ChatStyle style, List<ChatMessage> messages)
    {
        var given = line.Get("tools", Array);
        if (style != ChatStyle.Meta)
        {
            if (given is not null || options.ValueKind == Object && options.TryGetProperty("custom_tools", out _))
                throw new CriaException("tools are written in Meta style only; choose style meta");
            return [];
        }
        var composed = Option(options, "compose", "none", ("none", false), ("llama3.1", true), ("llama3.2", true));
        List<AIFunctionDeclaration> tools = composed && given is { } list ? ChatJson.ReadTools(list) : [];
        var format = Option(options, "tool_format", "json", ("json", "json"), ("function_tag", "function_tag"), ("python_list", "python_list"));
        var custom = messages.SelectMany(m => m.Contents.OfType<FunctionCallContent>()).Any(c => !ChatFormat.BuiltinTools.Contains(c.Name));
        return format == "python_list" || tools.Count == 0 && !custom ? tools
            : throw new CriaException($"tool_format is \"{format}\"; only \"python_list\" is written");
    }

    static List<string>? BuiltinTools(JsonElement options) => options.Get("builtin_tools", Array) is not { } list ? null
        : [.. list.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.String && ChatFormat.BuiltinTools.Contains(t.GetString()!) ? t.GetString()!
            : throw new CriaException($"builtin_tools holds something that is none of {string.Join(", ", ChatFormat.BuiltinTools)}"))];

    static T Option<T>(JsonElement options, string name, string fallback, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var text = options.ValueKind == Object ? options.GetText(name) ?? fallback : fallback;
        foreach (var choice in choices)
            if (choice.Name == text)
                return choice.Value;
        throw new CriaException($"{name} is \"{text}\", which is not known");
    }
}
