using System.CommandLine;
using Cria.Formats;

namespace Cria.Cli.Commands;

/// <summary>`cria tokenize`: text to ids.</summary>
static class TokenizeCommand
{
    public static Command Create()
    {
        var model = ModelOptionsBinder.Model();
        var special = new Option<bool>("--special") { Description = "Text of control tokens becomes their ids" };
        var text = new Option<string?>("--text") { Description = "The text" };
        var file = new Option<string?>("--file") { Description = "A file that holds the text as UTF-8" }.NotEmpty();
        var batch = new Option<string?>("--batch") { Description = "A JSONL file of {\"text\",\"special\":\"none\"|\"all\",\"bos\"}" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("tokenize", "Text to token ids.") { model, special, text, file, batch, json };
        command.Validators.Add(r =>
        {
            if (new[] { text, file, batch }.Count(o => r.GetValue(o) is not null) != 1)
                r.AddError("give one of --text, --file, --batch");
        });
        command.SetAction(r =>
        {
            var tokenizer = ModelTokenizer.Load(ModelLocator.Resolve(r.GetValue(model)!));
            if (r.GetValue(batch) is { } lines)
            {
                Output.Batch(lines, (line, answer) =>
                {
                    var content = line.GetText("text") ?? throw new CriaException("text is missing");
                    var ids = tokenizer.Encode(content, line.GetText("special") switch
                    {
                        null or "none" => false,
                        "all" => true,
                        var other => throw new CriaException($"special is \"{other}\", not \"none\" or \"all\""),
                    });
                    answer.WriteNumbers("ids", line.GetFlag("bos") ? ids.Prepend(tokenizer.BosId) : ids);
                });
                return 0;
            }
            var all = tokenizer.Encode(r.GetValue(text) ?? Input.ReadText(r.GetValue(file)!), r.GetValue(special));
            if (r.GetValue(json))
                Output.Json(w => w.WriteNumbers("ids", all));
            else
                Console.Out.WriteLine(string.Join(' ', all));
            return 0;
        });
        return command;
    }
}
