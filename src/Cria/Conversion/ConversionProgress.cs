namespace Cria.Conversion;

/// <summary>How far a conversion is.</summary>
/// <param name="Tensor">The tensor that is being written.</param>
/// <param name="BytesDone">Bytes of weights read so far.</param>
/// <param name="BytesTotal">Bytes of weights of the source.</param>
public readonly record struct ConversionProgress(string Tensor, long BytesDone, long BytesTotal);
