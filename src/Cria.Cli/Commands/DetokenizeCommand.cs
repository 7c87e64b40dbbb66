using System.CommandLine;
using System.Text.Json;
using Cria.Formats;
using Cria.Tokenization;

namespace Cria.Cli.Commands;

/// <summary>`cria detokenize`: ids to text.</summary>
static class DetokenizeCommand
{
    public static Command Create()
    {
        var model = ModelOptionsBinder.Model();
        var ids = new Option<string?>("--ids") { Description = "Comma-separated token ids" };
        var batch = new Option<string?>("--batch") { Description = "A JSONL file of {\"ids\",\"stream\",\"skip_special\"}" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("detokenize", "Token ids to text.") { model, ids, batch, json };
        command.Validators.Add(r =>
        {
            if (r.GetValue(ids) is null == r.GetValue(batch) is null)
                r.AddError("give one of --ids, --batch");
        });
        command.SetAction(r =>
        {
            var tokenizer = ModelTokenizer.Load(ModelLocator.Resolve(r.GetValue(model)!));
            if (r.GetValue(batch) is { } lines)
            {
                Output.Batch(lines, (line, answer) => Answer(tokenizer, line, answer));
                return 0;
            }
            var text = tokenizer.Decode(Input.ParseIds(r.GetValue(ids)!, "--ids"));
            if (r.GetValue(json))
                Output.Json(w => w.WriteString("text", text));
            else
                Console.Out.Write(text);
            return 0;
        });
        return command;
    }

    static void Answer(Tokenizer tokenizer, JsonElement line, Utf8JsonWriter answer)
    {
        var list = line.Get("ids", JsonValueKind.Array) ?? throw new CriaException("ids is missing");
        int[] ids = [.. list.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var id) ? id
            : throw new CriaException("ids holds something that is no id"))];
        var skip = line.GetFlag("skip_special");
        if (!line.GetFlag("stream"))
        {
            answer.WriteString("text", tokenizer.Decode(ids, skip));
            return;
        }
        var decoder = new StreamingDecoder(tokenizer, skip);
        string[] pieces = [.. ids.Select(decoder.Push), decoder.Flush()];
        answer.WriteStartArray("pieces");
        foreach (var piece in pieces)
            answer.WriteStringValue(piece);
        answer.WriteEndArray();
    }
}
