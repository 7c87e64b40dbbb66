using System.CommandLine;
using Cria.Conversion;
using Cria.Formats;

namespace Cria.Cli.Commands;

/// <summary>`cria imatrix`: how much the error of each column of a model's matrices counts, over a text.</summary>
static class ImatrixCommand
{
    public static Command Create()
    {
        var file = new Option<string>("--file") { Description = "The calibration text, UTF-8, of the kind that the model will read and write", Required = true }.NotEmpty();
        var chunk = new Option<int>("--chunk") { Description = "Tokens that are read from an empty context at a time", DefaultValueFactory = _ => 512 }.Bounded(2, 1 << 20);
        var chunks = new Option<int?>("--chunks") { Description = "Read only so many chunks" }.Bounded(1, 1 << 20);
        var special = new Option<bool>("--special") { Description = "Text of control tokens becomes their ids" };
        var output = new Option<string>("--out") { Description = "The file to write, for `cria quantize --imatrix`", Required = true }.NotEmpty();
        var command = new Command("imatrix", "Measure which columns of the weights count.") { file, chunk, chunks, special, output };
        var model = new ModelOptionsBinder(command);
        command.SetAction((r, cancellation) =>
        {
            var (path, text, size) = (model.Path(r), r.GetValue(file)!, r.GetValue(chunk));
            var tokenizer = ModelTokenizer.Load(path);
            var ids = tokenizer.Encode(Input.ReadText(text), r.GetValue(special));
            int[][] texts = [.. ids.Chunk(size - 1).Take(r.GetValue(chunks) ?? int.MaxValue).Select(part => (int[])[tokenizer.BosId, .. part])];
            if (texts.Length == 0)
                throw new CriaException($"{text}: empty");
            var loss = 0.0;
            var matrix = ImportanceMatrix.Collect(path, texts, model.Options(r), (done, mean) =>
            {
                loss = mean;
                if (!Console.IsErrorRedirected)
                    Console.Error.Write(FormattableString.Invariant($"\r{done} of {texts.Length} chunks, perplexity {Math.Exp(mean):f2}"));
            }, cancellation);
            if (!Console.IsErrorRedirected)
                Console.Error.WriteLine();
            matrix.Write(r.GetValue(output)!, Path.GetFileName(text), size);
            Console.WriteLine(FormattableString.Invariant($"perplexity {Math.Exp(loss):f2} over {ids.Length} tokens"));
            return Task.FromResult(0);
        });
        return command;
    }
}
