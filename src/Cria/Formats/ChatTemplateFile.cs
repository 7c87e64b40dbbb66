using System.Text;
using System.Text.Unicode;

namespace Cria.Formats;

/// <summary>A model's chat templates in Jinja.</summary>
/// <param name="Default">The one for every dialogue; null = none.</param>
/// <param name="ToolUse">The one for dialogues with tools on offer; null = the same.</param>
readonly record struct ChatTemplates(string? Default, string? ToolUse);

/// <summary>Where a model's chat templates lie.</summary>
static class ChatTemplateFile
{
    /// <summary>The keys in GGUF metadata.</summary>
    public const string GgufKey = "tokenizer.chat_template", GgufToolUseKey = $"{GgufKey}.{ToolUse}";

    const string Default = "default", ToolUse = "tool_use";

    const int MaxTemplate = 2 << 20;

    /// <summary>
    /// Of a GGUF file those in its metadata; of a directory, from the places transformers writes them to, `chat_template.jinja` with
    /// `additional_chat_templates`, else `chat_template.json`, else `tokenizer_config.json`.
    /// </summary>
    /// <exception cref="CriaException">They cannot be read.</exception>
    public static ChatTemplates Read(string model)
    {
        if (GgufFile.Is(model))
        {
            using var file = GgufFile.Open(model);
            return Read(file);
        }
        if (FromJinja(Path.Combine(model, "chat_template.jinja")) is { } template)
            return new(template, FromJinja(Path.Combine(model, "additional_chat_templates", ToolUse + ".jinja")));
        return FromJson(Path.Combine(model, "chat_template.json")) ?? FromJson(Path.Combine(model, "tokenizer_config.json")) ?? default;
    }

    /// <summary>Those in a GGUF file's metadata.</summary>
    /// <exception cref="CriaException">They cannot be read.</exception>
    public static ChatTemplates Read(GgufFile file) => new(file.Text(GgufKey, MaxTemplate), file.Text(GgufToolUseKey, MaxTemplate));

    static string? FromJinja(string path)
    {
        if (!File.Exists(path))
            return null;
        var bytes = JsonFile.ReadBytes(path);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new CriaException($"{path}: not UTF-8");
    }

    static ChatTemplates? FromJson(string path)
    {
        const string key = "chat_template";
        if (!File.Exists(path))
            return null;
        var found = JsonFile.Read(path, json => new ChatTemplates(json.TextOrNamed(key, "name", Default, "template"), json.NamedText(key, "name", ToolUse, "template")));
        return found == default ? null : found;
    }
}
