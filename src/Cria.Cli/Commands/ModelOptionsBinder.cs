using System.CommandLine;
using Cria.Models;

namespace Cria.Cli.Commands;

/// <summary>The options that all commands on a model share: --model everywhere; --dtype, --kv, --weights, --threads and --adapter where it is run.</summary>
sealed class ModelOptionsBinder
{
    readonly Option<string> model = Model();
    readonly Option<string> dtype = new("--dtype")
    {
        Description = "Arithmetic: f32, bf16 or auto, the fastest that keeps the tolerances; f32 implies --kv f32",
        DefaultValueFactory = _ => "auto",
    };
    readonly Option<string?> kv = new("--kv") { Description = "Element type of the KV cache: f32, f16, bf16 or q8_0" };
    readonly Option<string> weights = new("--weights")
    {
        Description = "repacked: copied at load into the layout of the kernels; mapped: read in the file, opens at once, but slower",
        DefaultValueFactory = _ => "repacked",
    };
    readonly Option<int?> threads = new Option<int?>("--threads") { Description = "Threads for the kernels (default: all this process may use)" }.Bounded(1, 1024);
    readonly Option<string?> adapter = new Option<string?>("--adapter") { Description = "A LoRA adapter in PEFT's format, a directory or a name of `cria models`, applied beside the model's weights" }.NotEmpty();

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public ModelOptionsBinder(Command command, string? modelDescription = null)
    {
        model.Description = modelDescription ?? model.Description;
        dtype.AcceptOnlyFromAmong("f32", "bf16", "auto");
        kv.AcceptOnlyFromAmong("f32", "f16", "bf16", "q8_0");
        weights.AcceptOnlyFromAmong("mapped", "repacked");
        command.Add(model);
        command.Add(dtype);
        command.Add(kv);
        command.Add(weights);
        command.Add(threads);
        command.Add(adapter);
    }

    public static Option<string> Model() => new("--model")
    {
        Description = "A model: a directory, a file, a name of `cria models`, or \"pocket\"",
        DefaultValueFactory = _ => ModelLocator.Default,
    };

    /// <summary>The file or directory that --model names.</summary>
    public string Path(ParseResult result) => ModelLocator.Resolve(result.GetValue(model)!);

    /// <summary>The names that --model lists, as they were given.</summary>
    public IReadOnlyList<string> Names(ParseResult result) => result.GetValue(model)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public ModelOptions Options(ParseResult result) => new()
    {
        Compute = Enum.Parse<ComputeType>(result.GetValue(dtype)!, ignoreCase: true),
        Kv = result.GetValue(kv) is { } type ? Enum.Parse<KvType>(type, ignoreCase: true) : null,
        Weights = Enum.Parse<WeightPlacement>(result.GetValue(weights)!, ignoreCase: true),
        Threads = result.GetValue(threads),
        Adapter = result.GetValue(adapter),
    };
}
