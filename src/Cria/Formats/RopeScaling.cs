namespace Cria.Formats;

/// <summary>
/// The llama3 scaling of RoPE frequencies (spec section 2): wavelengths below OriginalMaxPositions / HighFrequencyFactor stay, those
/// above OriginalMaxPositions / LowFrequencyFactor are divided by Factor, and between the two it is blended.
/// </summary>
/// <param name="Factor">32 for Llama 3.2, 8 for 3.1.</param>
/// <param name="LowFrequencyFactor">1 in all published models.</param>
/// <param name="HighFrequencyFactor">4 in all published models; greater than the low one.</param>
/// <param name="OriginalMaxPositions">The context of pretraining before the extension, 8192.</param>
public sealed record RopeScaling(float Factor, float LowFrequencyFactor, float HighFrequencyFactor, int OriginalMaxPositions);
