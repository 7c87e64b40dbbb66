using System.CommandLine;
using System.Text.Json;
using Cria.Chat;
using Cria.Formats;
using Cria.Tokenization;

namespace Cria.Cli.Commands;

/// <summary>`cria render`: a dialogue as the prompt that a model reads.</summary>
static class RenderCommand
{
    public static Command Create()
    {
        var model = ModelOptionsBinder.Model();
        var messages = new Option<string?>("--messages") { Description = "A JSON file of messages in OpenAI's shape" }.NotEmpty();
        var tools = new Option<string?>("--tools") { Description = "A JSON file of tools in OpenAI's shape" }.NotEmpty();
        var date = new Option<string?>("--date") { Description = "The date that a template prints, verbatim; today's if not given" };
        var style = new Option<string?>("--style") { Description = "meta, or hf for the Hugging Face template; hf if the model has one" };
        style.AcceptOnlyFromAmong("meta", "hf");
        var template = new Option<string?>("--template") { Description = "A file that holds the Hugging Face template" }.NotEmpty();
        var batch = new Option<string?>("--batch") { Description = "A JSONL file of {\"messages\",\"tools\",\"date\",\"style\",\"template\",\"add_generation_prompt\",\"options\"}" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("render", "A dialogue as a prompt: its text and token ids.") { model, messages, tools, date, style, template, batch, json };
        command.Validators.Add(r =>
        {
            if (r.GetValue(messages) is null == r.GetValue(batch) is null)
                r.AddError("give one of --messages, --batch");
        });
        command.SetAction(r =>
        {
            var path = ModelLocator.Resolve(r.GetValue(model)!);
            var tokenizer = ModelTokenizer.Load(path);
            if (r.GetValue(batch) is { } lines)
            {
                Output.Batch(lines, (line, answer) => Write(RenderRequest.Render(line, path, tokenizer), tokenizer, answer));
                return 0;
            }
            var prompt = ChatFormat.Render(Input.ReadJson(r.GetValue(messages)!, ChatJson.ReadMessages), RenderRequest.Format(r.GetValue(style), r.GetValue(template), path, tokenizer) with
            {
                Tools = r.GetValue(tools) is { } file ? Input.ReadJson(file, ChatJson.ReadTools) : null,
                Date = r.GetValue(date),
            });
            if (r.GetValue(json))
                Output.Json(w => Write(prompt, tokenizer, w));
            else
                Console.Out.Write(prompt.Text);
            return 0;
        });
        return command;
    }

    static void Write(Prompt prompt, Tokenizer tokenizer, Utf8JsonWriter json)
    {
        var ids = prompt.Encode(tokenizer);
        json.WriteString("text", prompt.Text);
        json.WriteNumbers("ids", ids);
    }
}
