using System.CommandLine;
using Cria.Conversion;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>`cria convert`: a model from one format to another.</summary>
static class ConvertCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("IN") { Description = "A model: a directory, a GGUF file, or a name" };
        var target = new Argument<string>("OUT") { Description = "The directory or GGUF file to write" };
        var to = new Option<string>("--to") { Description = "hf, a directory in Hugging Face's form, or gguf", Required = true };
        to.AcceptOnlyFromAmong("hf", "gguf");
        var type = new Option<string?>("--dtype") { Description = "Type of the weights: f32, f16 or bf16 (default: as they are; for hf blocks become bf16)" };
        type.AcceptOnlyFromAmong("f32", "f16", "bf16");
        var threads = new Option<int>("--threads") { Description = "Threads", DefaultValueFactory = _ => Environment.ProcessorCount }.Bounded(1, 1024);
        var command = new Command("convert", "Write a model in another format.") { source, target, to, type, threads };
        command.SetAction((r, cancellation) =>
        {
            var (model, file, dtype) = (ModelLocator.Resolve(r.GetValue(source)!), r.GetValue(target)!, r.GetValue(type));
            Action<ConversionProgress>? show = Console.IsErrorRedirected ? null : QuantizeCommand.Show;
            if (r.GetValue(to) == "gguf")
                GgufConversion.Write(model, file, dtype is null ? null : QuantizationRecipe.Find(dtype), r.GetValue(threads), show, cancellation);
            else
                HuggingFaceConversion.Write(model, file, dtype is null ? null : Enum.Parse<ElementType>(dtype, ignoreCase: true), r.GetValue(threads), show, cancellation);
            return Task.FromResult(0);
        });
        return command;
    }
}
