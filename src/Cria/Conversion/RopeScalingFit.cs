using Cria.Formats;
using Cria.Models;

namespace Cria.Conversion;

/// <summary>The llama3 scaling whose factors a GGUF file holds: `config.json` has parameters in their place.</summary>
static class RopeScalingFit
{
    const int UsualContext = 8192;
    const float Low = 1, High = 4; // of every Llama 3 model

    /// <summary>The scaling of a configuration, or null for none.</summary>
    /// <exception cref="CriaException">It has factors that no such scaling gives.</exception>
    public static RopeScaling? Of(ModelConfig config, string path)
    {
        if (config.RopeFactors is not { } factors || factors.All(f => Math.Abs(f - 1) < 1e-4))
            return config.RopeScaling;
        var factor = MathF.Round(factors.Max() * 1024) / 1024;
        var plain = Rope.Frequencies(config.RopeTheta, config.HeadSize, null);
        // Between the bounds context / wavelength lies between Low and High as 1 / factor lies between its extremes.
        var contexts = Enumerable.Range(0, plain.Length).Where(i => factors[i] > 1.001f && factors[i] < 0.999f * factor)
            .Select(i => (int)Math.Round(2 * Math.PI / plain[i] * (Low + (High - Low) * (1 / factors[i] - 1 / factor) / (1 - 1 / factor))));
        foreach (var context in contexts.Append(UsualContext).Where(c => c > 0))
        {
            var scaling = new RopeScaling(factor, Low, High, context);
            var scaled = Rope.Frequencies(config.RopeTheta, config.HeadSize, scaling);
            if (Enumerable.Range(0, plain.Length).All(i => Math.Abs(plain[i] / scaled[i] / factors[i] - 1) < 1e-4))
                return scaling;
        }
        throw new CriaException($"{path}: rope_freqs.weight holds factors that config.json cannot express");
    }
}
