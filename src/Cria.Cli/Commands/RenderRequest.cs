using System.Text.Json;
using Cria.Chat;
using Cria.Tokenization;

namespace Cria.Cli.Commands;

/// <summary>One line of `cria render --batch`.</summary>
static class RenderRequest
{
    const JsonValueKind Object = JsonValueKind.Object, Array = JsonValueKind.Array;

    public static Prompt Render(JsonElement line, string model, Tokenizer tokenizer)
    {
        var messages = ChatJson.ReadMessages(line.Get("messages", Array) ?? throw new CriaException("messages is missing"));
        var options = line.Get("options", Object) ?? default;
        var format = Format(line.GetText("style"), line.GetText("template"), model, tokenizer);
        var compose = Option(options, "compose", "none", ("none", (SystemPrompt?)null), ("llama3.1", SystemPrompt.Llama31), ("llama3.2", SystemPrompt.Llama32));
        var composed = format.Style != ChatStyle.Meta || format.Template is not null || compose is not null; // Meta's reference code writes no tools of its own accord
        return ChatFormat.Render(messages, format with
        {
            Date = line.GetText("date"),
            AddGenerationPrompt = line.Get("add_generation_prompt", JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? true,
            Tools = composed && (Member(options, "custom_tools") ?? line.Get("tools", Array)) is { } tools ? ChatJson.ReadTools(tools) : null,
            ToolFormat = Option(options, "tool_format", "json", ("json", ToolFormat.Json), ("function_tag", ToolFormat.FunctionTag), ("python_list", ToolFormat.Pythonic)),
            ToolsInUserMessage = options.ValueKind != Object || (options.Get("tools_in_user_message", JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? true),
            BuiltinTools = composed ? BuiltinTools(options) : null,
            Mode = Option(options, "mode", "dialog", ("dialog", ChatMode.Dialog), ("message", ChatMode.Message), ("completion", ChatMode.Completion)),
            SystemPrompt = compose ?? SystemPrompt.Auto,
            SystemReplacesTools = Option(options, "system_behavior", "append", ("append", false), ("replace", true)),
        });
    }

    static JsonElement? Member(JsonElement options, string name) => options.ValueKind == Object ? options.Get(name, Array) : null;

    /// <summary>The style asked for; without one that of the template given, else that of the model's own template, else Meta's.</summary>
    public static ChatFormatOptions Format(string? style, string? template, string model, Tokenizer tokenizer) => style switch
    {
        "meta" => new(),
        null or "hf" when template is not null => ChatFormat.Of(Input.ReadText(template), tokenizer),
        "hf" when !ChatFormat.HasTemplate(model) => throw new CriaException($"{model} has no chat template; name one with --template"),
        null or "hf" => ChatFormat.OfModel(model, tokenizer),
        _ => throw new CriaException($"style is \"{style}\", not \"meta\" or \"hf\""),
    };

    static List<string>? BuiltinTools(JsonElement options) => Member(options, "builtin_tools") is not { } list ? null
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
