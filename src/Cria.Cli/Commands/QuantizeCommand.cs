using System.CommandLine;
using Cria.Conversion;

namespace Cria.Cli.Commands;

/// <summary>`cria quantize`: a model of any format as GGUF with smaller weights.</summary>
static class QuantizeCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("IN") { Description = "A model: a directory, a file, a name of `cria models`, or \"pocket\"" };
        var target = new Argument<string>("OUT") { Description = "The GGUF file to write" };
        var type = new Option<string>("--type") { Description = "The type of the weights, one of " + string.Join(", ", QuantizationRecipe.Names), Required = true };
        var threads = new Option<int>("--threads") { Description = "Threads", DefaultValueFactory = _ => Environment.ProcessorCount }.Bounded(1, 1024);
        var command = new Command("quantize", "Write a model as GGUF with weights of another type.") { source, target, type, threads };
        command.SetAction((r, cancellation) =>
        {
            var recipe = QuantizationRecipe.Find(r.GetValue(type)!);
            GgufConversion.Write(ModelLocator.Resolve(r.GetValue(source)!), r.GetValue(target)!, recipe, r.GetValue(threads), Console.IsErrorRedirected ? null : Show, cancellation);
            return Task.FromResult(0);
        });
        return command;
    }

    internal static void Show(ConversionProgress progress) =>
        Console.Error.Write(FormattableString.Invariant($"\r{100 * progress.BytesDone / progress.BytesTotal,3} %  {progress.Tensor,-40}{(progress.BytesDone == progress.BytesTotal ? "\n" : "")}"));
}
