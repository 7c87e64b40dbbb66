using System.CommandLine;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>`cria chat`: one answer to a prompt, or a conversation without one.</summary>
static class ChatCommand
{
    public static Command Create()
    {
        var prompt = new Argument<string?>("PROMPT") { Description = "A message to answer; without one a conversation begins", Arity = ArgumentArity.ZeroOrOne };
        var system = new Option<string?>("--system") { Description = "The system message" };
        var images = new Option<string[]>("--image") { Description = "A picture for the message; repeat it for several" };
        var messages = new Option<string?>("--messages") { Description = "A JSON file of messages in OpenAI's shape, before the prompt; without a prompt they are answered" }.NotEmpty();
        var tools = new Option<string?>("--tools") { Description = "A JSON file of tools in OpenAI's shape" }.NotEmpty();
        var choice = new Option<string?>("--tool-choice") { Description = "Which tools must be called: auto, none, required, or the name of one" }.NotEmpty();
        var session = new Option<string?>("--session") { Description = "A file that keeps the conversation: read at the start, written after every answer; what the model has read lies in FILE.kv at the end" }.NotEmpty();
        var dropOldest = new Option<bool>("--drop-oldest") { Description = "Leave out the oldest turns when the dialogue does not fit the context, and say so, instead of an error" };
        var style = new Option<string?>("--style") { Description = "meta, or hf for the Hugging Face template; hf if the model has one" };
        style.AcceptOnlyFromAmong("meta", "hf");
        var date = new Option<string?>("--date") { Description = "The date that a template prints, verbatim; today's if not given" };
        var json = new Option<bool>("--json") { Description = "Print each answer as one line of JSON" };
        var stats = new Option<bool>("--stats") { Description = "Print tokens/s on standard error" };
        var command = new Command("chat", "Talks with a model.") { prompt, system, images, messages, tools, choice, session, dropOldest, style, date, json, stats };
        var run = new ModelOptionsBinder(command);
        var sampling = new SamplingOptionsBinder(command);
        var speculation = new SpeculationBinder(command);
        command.Validators.Add(r =>
        {
            if (r.GetValue(images) is { Length: > 0 } && r.GetValue(messages) is not null && r.GetValue(prompt) is null)
                r.AddError("--image is of a PROMPT; the messages of --messages hold theirs");
        });
        command.SetAction(r =>
        {
            var options = sampling.Chat(r.CommandResult);
            if (r.GetValue(tools) is { } toolFile)
                options.Tools = [.. Input.ReadJson(toolFile, ChatJson.ReadTools)];
            options.ToolMode = r.GetValue(choice) switch
            {
                null => null,
                "auto" => ChatToolMode.Auto,
                "none" => ChatToolMode.None,
                "required" => ChatToolMode.RequireAny,
                var name => ChatToolMode.RequireSpecific(name),
            };
            if (r.GetValue(json))
                options.AdditionalProperties![CriaChatClient.LogProbs] = true; // they carry the ids
            var given = r.GetValue(messages) is { } messageFile ? Input.ReadJson(messageFile, ChatJson.ReadMessages) : [];
            var path = run.Path(r);
            var (kind, draft) = speculation.Read(r);
            using var client = CriaChatClient.Load(path, new()
            {
                Speculation = kind,
                Draft = draft,
                DropOldest = r.GetValue(dropOldest),
                Model = run.Options(r),
                Style = r.GetValue(style) switch { "meta" => ChatStyle.Meta, "hf" when !ChatFormat.HasTemplate(path) => ChatStyle.HuggingFace32, _ => null },
                Date = r.GetValue(date),
            });
            var dialogue = new ChatSession(client, options, given, r.GetValue(session));
            if (r.GetValue(system) is { } text)
                dialogue.SetSystem(text);
            var terminal = new ChatTerminal(dialogue, StandardInput.Reader, Console.Out, Console.Error)
            {
                IsInteractive = !Console.IsInputRedirected,
                AsJson = r.GetValue(json),
                ShowStats = r.GetValue(stats),
            };
            foreach (var image in r.GetValue(images) ?? [])
                terminal.Attach(image);
            var state = r.GetValue(session) + ".kv";
            if (r.GetValue(session) is not null && File.Exists(state))
                LoadState(client, state);
            var exit = r.GetValue(prompt) is { } question ? terminal.Answer(terminal.Question(question), CancellationToken.None)
                : given.Count > 0 ? terminal.Answer(null, CancellationToken.None) : terminal.Converse();
            if (r.GetValue(session) is not null && dialogue.Messages.Count > 0)
                client.SaveStateAsync(dialogue.Messages, options, state).GetAwaiter().GetResult();
            return exit;
        });
        return command;
    }

    /// <summary>The state only saves time: one that cannot be used is reported, and the dialogue read again.</summary>
    static void LoadState(CriaChatClient client, string file)
    {
        try
        {
            client.LoadStateAsync(file).GetAwaiter().GetResult();
        }
        catch (CriaException e)
        {
            Console.Error.WriteLine($"cria: {e.Message}; the dialogue is read again");
        }
    }
}
