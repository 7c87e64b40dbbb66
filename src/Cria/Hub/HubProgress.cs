namespace Cria.Hub;

/// <summary>How far a download is.</summary>
/// <param name="File">The file under way.</param>
/// <param name="BytesDone">Bytes of all files that are on disk, those of earlier attempts included.</param>
/// <param name="BytesTotal">Bytes of all files.</param>
public readonly record struct HubProgress(string File, long BytesDone, long BytesTotal);
