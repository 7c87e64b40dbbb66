using BenchmarkDotNet.Attributes;
using Cria.Generation;

namespace Cria.Benchmarks;

/// <summary>
/// One choice from Llama 3's vocabulary, with probabilities that fall like Zipf's law:
/// `dotnet run --project benchmarks/Cria.Benchmarks -c Release -- --filter *Sampler*`. The baseline sorts everything.
/// </summary>
public class SamplerBenchmarks
{
    readonly float[] _logits = new float[128_256];
    readonly float[] _row = new float[128_256];
    Sampler _greedy = null!, _plain = null!, _topP = null!, _topK = null!, _logProbs = null!;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (var i = 0; i < _logits.Length; i++)
            _logits[i] = (float)(-1.2 * Math.Log(i + 1) + random.NextDouble());
        random.Shuffle(_logits);
        _greedy = new(new(), []);
        _plain = new(new() { Temperature = 1, Seed = 1 }, []);
        _topP = new(new() { Temperature = 0.6f, TopP = 0.9f, Seed = 1 }, []);
        _topK = new(new() { Temperature = 1, TopK = 40, Seed = 1 }, []);
        _logProbs = new(new() { TopLogProbs = 20 }, []);
    }

    [Benchmark]
    public int Greedy() => Choose(_greedy);

    [Benchmark]
    public int Temperature() => Choose(_plain);

    [Benchmark]
    public int TemperatureAndTopP() => Choose(_topP);

    [Benchmark]
    public int TemperatureAndTopK() => Choose(_topK);

    [Benchmark]
    public int GreedyWithLogProbs() => Choose(_logProbs);

    /// <summary>Temperature and top-p as the reference does it: softmax, sort, cut, draw.</summary>
    [Benchmark(Baseline = true)]
    public int SortEverything()
    {
        var max = _logits.Max();
        var sum = 0f;
        for (var i = 0; i < _row.Length; i++)
            sum += _row[i] = MathF.Exp((_logits[i] - max) / 0.6f);
        var ids = new int[_row.Length];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = i;
        Array.Sort(_row, ids);
        var before = 0f;
        var left = 0.5f * 0.9f * sum;
        for (var i = ids.Length - 1; i > 0 && before <= 0.9f * sum; i--)
        {
            before += _row[i];
            if (before > left)
                return ids[i];
        }
        return ids[^1];
    }

    int Choose(Sampler sampler)
    {
        _logits.CopyTo(_row, 0);
        return sampler.Next(_row).Id;
    }
}
