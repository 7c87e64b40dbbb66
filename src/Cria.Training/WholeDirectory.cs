namespace Cria.Training;

/// <summary>Writes a directory aside and puts it in its place when it is complete; what was there before stays until then.</summary>
static class WholeDirectory
{
    public static void Write(string path, Action<string> write)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        var (aside, old) = (path + ".part", path + ".old");
        Delete(aside);
        Delete(old);
        Directory.CreateDirectory(aside);
        write(aside);
        if (Directory.Exists(path))
            Directory.Move(path, old);
        Directory.Move(aside, path);
        Delete(old);
    }

    static void Delete(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }
}
