using Cria.Formats;
using Cria.Models;

namespace Cria.Conversion;

/// <summary>The llama3 scaling whose factors a GGUF file holds: `config.json` has parameters in their place.</summary>
static class RopeScalingFit
{
    const int UsualContext = 8192;
    const float Low = 1, High = 4; // of every Llama 3 model

    /// <summary>Of Llama 3.1 and 3.2; where no frequency is so low that it is scaled in full, the factors do not tell.</summary>
    static readonly float[] UsualFactors = [8, 32];

    /// <summary>The scaling of a configuration, or null for none.</summary>
    /// <exception cref="CriaException">It has factors that no such scaling gives.</exception>
    public static RopeScaling? Of(ModelConfig config, string path)
    {
        if (config.RopeFactors is not { } factors || factors.All(f => Math.Abs(f - 1) < 1e-4))
            return config.RopeScaling;
        var wavelengths = Array.ConvertAll(Rope.Frequencies(config.RopeTheta, config.HeadSize, null), f => 2 * Math.PI / f);
        foreach (var factor in UsualFactors.Append(MathF.Round(factors.Max() * 1024) / 1024))
            foreach (var context in Contexts(factor).Where(c => c is > 0 and < int.MaxValue))
            {
                var scaling = new RopeScaling(factor, Low, High, (int)context);
                var scaled = Rope.Frequencies(config.RopeTheta, config.HeadSize, scaling);
                if (Enumerable.Range(0, scaled.Length).All(i => Math.Abs(2 * Math.PI / wavelengths[i] / scaled[i] / factors[i] - 1) < 1e-4))
                    return scaling;
            }
        throw new CriaException($"{path}: rope_freqs.weight holds factors that config.json cannot express");

        // Between the bounds context / wavelength lies between Low and High as 1 / factor lies between its extremes; of those that are not scaled it is above High.
        IEnumerable<double> Contexts(double factor) =>
        [
            .. Enumerable.Range(0, factors.Count).Where(i => factors[i] > 1.001f && factors[i] < 0.999f * factor)
                .Select(i => Math.Round(wavelengths[i] * (Low + (High - Low) * (1 / factors[i] - 1 / factor) / (1 - 1 / factor)))),
            UsualContext,
            Math.Ceiling(High * wavelengths.Where((_, i) => factors[i] <= 1.001f).DefaultIfEmpty().Max()),
        ];
    }
}
