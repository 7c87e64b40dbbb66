using System.CommandLine;
using System.Text.Json;
using Cria.Hub;
using Spectre.Console;

namespace Cria.Cli.Commands;

/// <summary>`cria pull`: downloads a model. The only command that uses a network.</summary>
static class PullCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("MODEL") { Description = "ORG/NAME[:FILE-or-TYPE][@REV], for example org/Llama-3.2-1B-Instruct-GGUF:Q4_K_M" };
        var verify = new Option<bool>("--verify") { Description = "Also read what is there already and check its hashes" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("pull", "Download a model into the Hugging Face cache, or go on with a download.") { name, verify, json };
        command.SetAction(async (r, cancellation) =>
        {
            var options = HubOptions.FromEnvironment() with { Verify = r.GetValue(verify) };
            PulledModel model;
            try
            {
                model = Console.IsErrorRedirected ? await ModelHub.PullAsync(r.GetValue(name)!, options, cancellation: cancellation)
                    : await ShowAsync(progress => ModelHub.PullAsync(r.GetValue(name)!, options, progress, cancellation));
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("cria: stopped; the same command goes on from here");
                throw;
            }
            if (r.GetValue(json))
                Output.Json(w => Write(w, model));
            else
                Console.Out.WriteLine(model.Name is { } known && known != model.Path ? $"{known}\n{model.Path}" : model.Path);
            if (model.Unverified.Count > 0)
                Console.Error.WriteLine($"cria: the hub gave no hash for {string.Join(", ", model.Unverified)}: only the lengths are checked");
            return 0;
        });
        return command;
    }

    internal static void Write(Utf8JsonWriter json, PulledModel model)
    {
        if (model.Name is { } name)
            json.WriteString("name", name);
        json.WriteString("path", model.Path);
        json.WriteString("commit", model.Commit);
        json.WriteNumber("bytes", model.Bytes);
        json.WriteNumber("bytes_fetched", model.BytesFetched);
        json.WriteStartArray("files");
        foreach (var file in model.Files)
            json.WriteStringValue(file);
        json.WriteEndArray();
    }

    static async Task<PulledModel> ShowAsync(Func<IProgress<HubProgress>, Task<PulledModel>> pull)
    {
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error) });
        var columns = new ProgressColumn[] { new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn() };
        return await console.Progress().AutoClear(true).Columns(columns).StartAsync(context => pull(new Bar(context.AddTask("the list of files", autoStart: false))));
    }

    /// <summary>The bar of all files together; what was there before counts as done, not as fast.</summary>
    sealed class Bar(ProgressTask task) : IProgress<HubProgress>
    {
        public void Report(HubProgress value)
        {
            lock (task)
            {
                task.MaxValue = Math.Max(1, value.BytesTotal);
                task.Value = value.BytesDone;
                task.Description = Markup.Escape(value.File);
                if (!task.IsStarted)
                    task.StartTask();
            }
        }
    }
}
