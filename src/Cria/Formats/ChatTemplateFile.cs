using System.Text;
using System.Text.Unicode;

namespace Cria.Formats;

/// <summary>The chat template of a model directory, from the places transformers writes it to.</summary>
static class ChatTemplateFile
{
    /// <summary>`chat_template.jinja`, else `chat_template.json`, else `tokenizer_config.json`; null where none has one.</summary>
    public static string? Read(string directory)
    {
        var jinja = Path.Combine(directory, "chat_template.jinja");
        if (File.Exists(jinja))
        {
            var bytes = JsonFile.ReadBytes(jinja);
            return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new CriaException($"{jinja}: not UTF-8");
        }
        return FromJson(Path.Combine(directory, "chat_template.json")) ?? FromJson(Path.Combine(directory, "tokenizer_config.json"));
    }

    static string? FromJson(string path) => File.Exists(path)
        ? JsonFile.Read(path, json => json.TextOrNamed("chat_template", "name", "default", "template")) : null;
}
