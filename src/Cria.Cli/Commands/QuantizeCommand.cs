using System.CommandLine;
using Cria.Conversion;

namespace Cria.Cli.Commands;

/// <summary>`cria quantize`: a model of any format with smaller weights.</summary>
static class QuantizeCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("IN") { Description = "A model: a directory, a file, a name of `cria models`, or \"pocket\"" };
        var target = new Argument<string>("OUT") { Description = "The GGUF file to write, or the directory in Meta's form for 8da4w" };
        var type = new Option<string>("--type") { Description = $"The type of the weights, one of {string.Join(", ", QuantizationRecipe.Names)}, {MetaQuantizedConversion.Name}", Required = true };
        var importance = new Option<string?>("--imatrix") { Description = "A file of `cria imatrix` or of llama.cpp's: how much the error of each column counts" }.NotEmpty();
        var threads = new Option<int>("--threads") { Description = "Threads", DefaultValueFactory = _ => Environment.ProcessorCount }.Bounded(1, 1024);
        var command = new Command("quantize", "Write a model with weights of another type.") { source, target, type, importance, threads };
        command.SetAction((r, cancellation) =>
        {
            var (model, file, name) = (ModelLocator.Resolve(r.GetValue(source)!), r.GetValue(target)!, r.GetValue(type)!);
            var matrix = r.GetValue(importance) is { } path ? ImportanceMatrix.Read(path) : null;
            Action<ConversionProgress>? show = Console.IsErrorRedirected ? null : Show;
            if (!name.Equals(MetaQuantizedConversion.Name, StringComparison.OrdinalIgnoreCase))
                GgufConversion.Write(model, file, QuantizationRecipe.Find(name), r.GetValue(threads), show, cancellation, matrix);
            else if (matrix is null)
                MetaQuantizedConversion.Write(model, file, r.GetValue(threads), show, cancellation);
            else
                throw new CriaException($"--imatrix: {MetaQuantizedConversion.Name} has a fixed rounding");
            return Task.FromResult(0);
        });
        return command;
    }

    internal static void Show(ConversionProgress progress) =>
        Console.Error.Write(FormattableString.Invariant($"\r{100 * progress.BytesDone / progress.BytesTotal,3} %  {progress.Tensor,-40}{(progress.BytesDone == progress.BytesTotal ? "\n" : "")}"));
}
