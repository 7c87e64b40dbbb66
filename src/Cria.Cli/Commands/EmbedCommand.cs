using System.CommandLine;
using System.Globalization;
using Cria.Chat;

namespace Cria.Cli.Commands;

/// <summary>`cria embed`: texts to vectors.</summary>
static class EmbedCommand
{
    public static Command Create()
    {
        var texts = new Argument<string[]>("TEXT") { Description = "The texts", Arity = ArgumentArity.ZeroOrMore };
        var file = new Option<string?>("--file") { Description = "A UTF-8 file of texts, one a line" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("embed", "Texts to vectors of length 1.") { texts, file, json };
        var run = new ModelOptionsBinder(command);
        command.Validators.Add(r =>
        {
            if (r.GetValue(texts) is { Length: > 0 } == r.GetValue(file) is not null)
                r.AddError("give texts, or --file");
        });
        command.SetAction(async (r, cancellation) =>
        {
            using var generator = CriaEmbeddingGenerator.Load(run.Path(r), new() { Model = run.Options(r) });
            var embeddings = await generator.GenerateAsync(r.GetValue(file) is { } lines ? Input.ReadLines(lines) : r.GetValue(texts)!, cancellationToken: cancellation);
            if (r.GetValue(json))
                Output.Json(w =>
                {
                    w.WriteStartArray("embeddings");
                    foreach (var embedding in embeddings)
                    {
                        w.WriteStartArray();
                        foreach (var value in embedding.Vector.Span)
                            w.WriteNumberValue(value);
                        w.WriteEndArray();
                    }
                    w.WriteEndArray();
                    w.WriteNumber("tokens", embeddings.Usage!.InputTokenCount!.Value);
                });
            else
                foreach (var embedding in embeddings)
                    Console.Out.WriteLine(string.Join(' ', embedding.Vector.ToArray().Select(v => v.ToString(CultureInfo.InvariantCulture))));
            return 0;
        });
        return command;
    }
}
