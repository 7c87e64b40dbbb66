using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Cria.Chat;
using Cria.Evaluation.Pocket;
using Spectre.Console;

namespace Cria.Cli.Commands;

/// <summary>`cria eval pocket`: a model's scores on unseen tasks of the pocket world.</summary>
static class EvalPocketCommand
{
    public static Command Create()
    {
        var usual = new PocketEvaluationOptions();
        var items = new Option<int>("--items") { Description = "Test items of each family", DefaultValueFactory = _ => usual.ItemsPerFamily }.Bounded(1, 100_000);
        var seed = new Option<ulong>("--seed") { Description = "Chooses the items", DefaultValueFactory = _ => usual.Seed };
        var failures = new Option<string?>("--failures") { Description = "A file to write the items without full marks to: JSONL of {\"family\",\"score\",\"prompt\",\"expected\",\"reply\"}" }.NotEmpty();
        var unguarded = new Option<bool>("--unguarded") { Description = "Leave calls of tools unguarded: the model may write what it likes" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("pocket", "Scores a model on unseen tasks of the pocket world, 0 to 1, with greedy sampling.") { items, seed, failures, unguarded, json };
        var run = new ModelOptionsBinder(command);
        command.SetAction(async (r, cancellation) =>
        {
            using var client = CriaChatClient.Load(run.Path(r), new() { Model = run.Options(r) });
            var options = usual with { ItemsPerFamily = r.GetValue(items), Seed = r.GetValue(seed), IsGuarded = !r.GetValue(unguarded) };
            var report = await PocketEvaluation.RunAsync(client, options, Console.IsErrorRedirected ? null : ShowProgress, cancellation);
            if (r.GetValue(json))
                Output.Json(w => Write(w, report));
            else
                Print(report);
            if (r.GetValue(failures) is { } file)
                File.WriteAllText(file, Failures(report), new UTF8Encoding(false));
            return 0;
        });
        return command;
    }

    static void ShowProgress(int done, int all)
    {
        if (done % 10 == 0 || done == all)
            Console.Error.Write(done < all ? $"\r{done}/{all} items" : "\r\x1b[K");
    }

    internal static void Write(Utf8JsonWriter json, PocketReport report)
    {
        json.WriteStartObject("families");
        foreach (var family in report.Families)
            json.WriteNumber(family.Family, Math.Round(family.Score, 6));
        json.WriteEndObject();
        json.WriteNumber("mean", Math.Round(report.Mean, 6));
        if (report.WellFormed is { } share)
            json.WriteNumber("well_formed", Math.Round(share, 6));
    }

    internal static string Failures(PocketReport report)
    {
        var lines = new StringBuilder();
        foreach (var (item, reply, score) in report.Transcripts.Where(t => t.Score < 1))
            lines.Append(Output.ToJson(w =>
            {
                w.WriteString("family", item.Family);
                w.WriteNumber("score", Math.Round(score, 6));
                w.WriteString("prompt", PocketWorld.PromptText(item));
                w.WriteString("expected", PocketWorld.TextOf(item.Answer));
                w.WriteString("reply", PocketWorld.TextOf(reply));
            })).Append('\n');
        return lines.ToString();
    }

    static void Print(PocketReport report)
    {
        var rows = report.Families.Select(f => (f.Family, Score: Percent(f.Score), Items: f.Items.ToString(CultureInfo.InvariantCulture)))
            .Append(("mean", Percent(report.Mean), ""));
        if (report.WellFormed is { } share)
            rows = rows.Append(("well formed", Percent(share), ""));
        if (Console.IsOutputRedirected)
        {
            foreach (var (family, score, count) in rows)
                Console.Out.WriteLine($"{family,-12} {score,8} {count,6}".TrimEnd());
            return;
        }
        var table = new Table().RoundedBorder().AddColumn("family").AddColumn("score", c => c.RightAligned()).AddColumn("items", c => c.RightAligned());
        foreach (var (family, score, count) in rows)
            table.AddRow(new Text(family), new Text(score), new Text(count));
        AnsiConsole.Write(table);
    }

    static string Percent(double score) => string.Create(CultureInfo.InvariantCulture, $"{100 * score:0.0} %");
}
