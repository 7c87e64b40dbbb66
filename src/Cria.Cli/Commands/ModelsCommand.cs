using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cria.Hub;
using Spectre.Console;

namespace Cria.Cli.Commands;

/// <summary>`cria models`: what is on this machine already.</summary>
static class ModelsCommand
{
    public static Command Create()
    {
        var all = new Option<bool>("--all") { Description = "Also what Cria cannot run, and why" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("models", "The models on this machine, by the names that every command takes.") { all, json };
        command.SetAction(r =>
        {
            var models = LocalModels.Find().Select(m => (Model: m, Problem: m.FindProblem())).ToList();
            var shown = models.Where(m => m.Problem is null || r.GetValue(all)).ToList();
            if (r.GetValue(json))
                Output.Json(w => Write(w, shown));
            else
                Print(shown);
            if (models.Count > shown.Count && !r.GetValue(json))
                Console.Error.WriteLine($"{models.Count - shown.Count} more that Cria cannot run: cria models --all");
            return 0;
        });
        return command;
    }

    internal static void Write(Utf8JsonWriter json, IEnumerable<(LocalModel Model, string? Problem)> models)
    {
        json.WriteStartArray("models");
        foreach (var (model, problem) in models)
        {
            json.WriteStartObject();
            json.WriteString("name", model.Name);
            json.WriteString("path", model.Path);
            json.WriteString("source", model.Source);
            json.WriteString("format", model.Format);
            json.WriteNumber("bytes", model.Bytes);
            if (problem is not null)
                json.WriteString("problem", problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Print(IReadOnlyList<(LocalModel Model, string? Problem)> models)
    {
        if (Console.IsOutputRedirected)
        {
            var width = models.Select(m => m.Model.Name.Length).DefaultIfEmpty().Max();
            foreach (var (model, problem) in models)
                Console.Out.WriteLine($"{model.Name.PadRight(width)}  {Size(model.Bytes),9}  {model.Format,-11}  {model.Source,-11}  {problem}".TrimEnd());
            return;
        }
        var table = new Table().RoundedBorder().AddColumn("name").AddColumn("size", c => c.RightAligned()).AddColumns("format", "source");
        foreach (var (model, problem) in models)
        {
            table.AddRow(new Text(model.Name), new Text(Size(model.Bytes)), new Text(model.Format), new Text(model.Source));
            if (problem is not null)
                table.AddRow(new Text("  " + problem, Color.Grey));
        }
        AnsiConsole.Write(table);
    }

    internal static string Size(long bytes) => bytes >= 1e9 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
