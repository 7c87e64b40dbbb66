namespace Cria.Formats;

/// <summary>Writes a file aside and renames it to its path when it is complete; until then, and after a failure, what was there stays.</summary>
public static class WholeFile
{
    /// <param name="path">The file to write; it is replaced.</param>
    /// <param name="write">Writes all its bytes.</param>
    /// <exception cref="IOException">It cannot be written; nothing is left behind.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var aside = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (var stream = new FileStream(aside, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
        }
        finally
        {
            File.Delete(aside);
        }
    }
}
