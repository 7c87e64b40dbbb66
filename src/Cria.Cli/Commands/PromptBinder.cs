using System.CommandLine;
using Cria.Chat;
using Cria.Formats;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Cli.Commands;

/// <summary>How a command that takes a raw prompt is given it: token ids, a file of ids, or a text; with images for a vision model.</summary>
sealed class PromptBinder
{
    readonly Option<string?> _tokens = new("--tokens") { Description = "Comma-separated token ids; nothing is added to them" };
    readonly Option<string?> _file = new Option<string?>("--tokens-file") { Description = "A file with comma-separated token ids" }.NotEmpty();
    readonly Option<string?> _text;
    readonly Option<string[]> _images = new("--image") { Description = "An image; repeat it for several. They stand before the text unless that says <|image|>" };

    /// <summary>Adds the options to a command, of which exactly one must be given.</summary>
    public PromptBinder(Command command, string text)
    {
        _text = new(text) { Description = "A text; it gets one BOS" };
        Option<string?>[] options = [_text, _tokens, _file];
        foreach (var option in options)
            command.Add(option);
        command.Add(_images);
        command.Validators.Add(r =>
        {
            if (options.Count(o => r.GetValue(o) is not null) != 1)
                r.AddError($"give one of {string.Join(", ", options.Select(o => o.Name))}");
        });
    }

    /// <summary>The prompt's ids: ids as they are given, a text with one BOS; and the vocabulary if that took one.</summary>
    /// <exception cref="CriaException">The ids or the vocabulary cannot be read, or there are no ids.</exception>
    public (int[] Ids, Tokenizer? Tokenizer) Read(ParseResult r, string model, bool allowSpecial = false)
    {
        if (r.GetValue(_text) is { } text)
        {
            var tokenizer = ModelTokenizer.Load(model);
            var images = r.GetValue(_images)!.Length;
            var parts = Prompt.OfText(text, images, marks: images > 0 || allowSpecial).Parts;
            return ([.. parts.SelectMany(p => p.IsControl ? Prompt.Encode(tokenizer, p) : tokenizer.Encode(p.Text, allowSpecial))], tokenizer);
        }
        var file = r.GetValue(_file);
        var ids = Input.ParseIds(r.GetValue(_tokens) ?? Input.ReadText(file!), file ?? "--tokens");
        return ids.Length > 0 ? (ids, null) : throw new CriaException($"{file ?? "--tokens"}: the prompt is empty");
    }

    /// <summary>The tiles of the images; as many as the prompt has image tokens.</summary>
    /// <exception cref="CriaException">They are not as many, cannot be read, or the model takes none.</exception>
    public ImageTiles[] Images(ParseResult r, TextModel model, int[] ids)
    {
        var paths = r.GetValue(_images)!;
        model.Config.CheckImages(ids, paths.Length);
        var transform = model.ImageTransform;
        return Array.ConvertAll(paths, path => transform!.Apply(path));
    }
}
