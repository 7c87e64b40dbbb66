using Cria.Formats;
using static TorchSharp.torch;

namespace Cria.Training.Modules;

/// <summary>RoPE in the Hugging Face layout: pairs (i, i + d/2) of a head, with the llama3 scaling of the frequencies (spec section 2).</summary>
sealed class RotaryEmbedding : IDisposable
{
    readonly Tensor _frequencies; // [d/2] F32

    public RotaryEmbedding(ModelConfig config)
    {
        var frequencies = new float[config.HeadSize / 2];
        for (var i = 0; i < frequencies.Length; i++)
            frequencies[i] = Scale(1f / MathF.Pow(config.RopeTheta, 2f * i / config.HeadSize), config.RopeScaling);
        _frequencies = tensor(frequencies);
    }

    /// <summary>cos and sin for positions [B, S]: each [B, 1, S, d/2], computed in F32.</summary>
    public (Tensor Cos, Tensor Sin) Tables(Tensor positions, ScalarType type)
    {
        var angles = (positions.to(ScalarType.Float32).unsqueeze(-1) * _frequencies).unsqueeze(1);
        return (angles.cos().to(type), angles.sin().to(type));
    }

    /// <summary>Rotates x [B, heads, S, d].</summary>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        var halves = x.chunk(2, dim: -1);
        return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], dim: -1);
    }

    public void Dispose() => _frequencies.Dispose();

    static float Scale(float frequency, RopeScaling? scaling)
    {
        if (scaling is null)
            return frequency;
        var (context, low, high) = (scaling.OriginalMaxPositions, scaling.LowFrequencyFactor, scaling.HighFrequencyFactor);
        var wavelength = 2 * MathF.PI / frequency;
        if (wavelength < context / high)
            return frequency;
        if (wavelength > context / low)
            return frequency / scaling.Factor;
        var smooth = (context / wavelength - low) / (high - low);
        return (1 - smooth) * frequency / scaling.Factor + smooth * frequency;
    }
}
