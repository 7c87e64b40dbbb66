using System.CommandLine;
using System.Text.Json;
using Cria.Chat;
using Cria.Chat.ToolCalls;

namespace Cria.Cli.Commands;

/// <summary>`cria toolcalls`: what an assistant's text calls.</summary>
static class ToolCallsCommand
{
    public static Command Create()
    {
        var format = new Option<string>("--format") { Description = "The syntax of the calls: auto, pythonic, json or function_tag", DefaultValueFactory = _ => "auto" };
        var text = new Option<string?>("--text") { Description = "A file that holds the text as UTF-8" }.NotEmpty();
        var batch = new Option<string?>("--batch") { Description = "A JSONL file of {\"text\",\"format\"}" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("toolcalls", "The tool calls in an assistant's text.") { format, text, batch, json };
        command.Validators.Add(r =>
        {
            if (r.GetValue(text) is null == r.GetValue(batch) is null)
                r.AddError("give one of --text, --batch");
        });
        command.SetAction(r =>
        {
            if (r.GetValue(batch) is { } lines)
            {
                Output.Batch(lines, (line, answer) =>
                    Write(Parse(line.GetText("text") ?? throw new CriaException("text is missing"), line.GetText("format") ?? "auto"), answer));
                return 0;
            }
            var reply = Parse(Input.ReadText(r.GetValue(text)!), r.GetValue(format)!);
            if (r.GetValue(json))
                Output.Json(w => Write(reply, w));
            else
                Console.Out.WriteLine(reply.Calls.Count == 0 ? reply.Content : string.Join('\n', reply.Calls.Select(c => PythonicCalls.Write([c])[1..^1])));
            return 0;
        });
        return command;
    }

    static AssistantText Parse(string text, string format) => AssistantText.Parse(text, format switch
    {
        "auto" => null,
        "pythonic" => ToolFormat.Pythonic,
        "json" => ToolFormat.Json,
        "function_tag" => ToolFormat.FunctionTag,
        _ => throw new CriaException($"format is \"{format}\", not auto, pythonic, json or function_tag"),
    });

    internal static void Write(AssistantText reply, Utf8JsonWriter json)
    {
        json.WriteString("content", reply.Content);
        json.WriteCalls(reply.Calls);
    }
}
