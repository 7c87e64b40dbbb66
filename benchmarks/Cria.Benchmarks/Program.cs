using BenchmarkDotNet.Running;
using Cria;
using Cria.Benchmarks;

try
{
    switch (args)
    {
        case ["random", .. var arguments]:
            RandomModel.Run(arguments);
            break;
        case ["tokenizer", var vocabulary, .. var files]:
            TokenizerComparison.Run(vocabulary, files);
            break;
        case ["decode", .. var arguments]:
            DecodeBenchmark.Run(arguments);
            break;
        case ["attention", .. var arguments]:
            AttentionBenchmark.Run(arguments);
            break;
        case ["matrices", .. var arguments]:
            PanelBenchmark.Run(arguments);
            break;
        case ["compare", .. var arguments]:
            Comparison.Run(arguments);
            break;
        case ["vision", .. var arguments]:
            VisionBenchmark.Run(arguments);
            break;
        case ["tower", .. var arguments]:
            TowerBenchmark.Run(arguments);
            break;
        case ["embeddings", .. var arguments]:
            await EmbeddingBenchmark.RunAsync(arguments);
            break;
        case ["masks", .. var arguments]:
            MaskBenchmark.Run(arguments);
            break;
        case ["images", .. var arguments]:
            ImageBenchmark.Run(arguments);
            break;
        case ["speculation", .. var arguments]:
            await SpeculationBenchmark.RunAsync(arguments);
            break;
        case ["server", .. var arguments]:
            await ServerBenchmark.RunAsync(arguments);
            break;
        case ["page", .. var arguments]:
            await PageBenchmark.RunAsync(arguments);
            break;
        default:
            BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
            break;
    }
    return 0;
}
catch (CriaException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
