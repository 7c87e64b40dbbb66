using Cria.Formats;
using Cria.Tensors;
using Cria.Tests.Formats;

namespace Cria.Tests.Tensors;

public sealed class MappedFileTests
{
    [Fact]
    public void MappingEightGigabytesCostsNothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere a file with a hole of 8 GB takes 8 GB");
        const long Gigabytes = 8L << 30;
        using var folder = new TestModel();
        var path = folder.File("a.safetensors");
        using (var file = File.Create(path))
        {
            file.Write(SafetensorsTests.Raw($$$"""{"a":{"dtype":"U8","shape":[{{{Gigabytes}}}],"data_offsets":[0,{{{Gigabytes}}}]}}""", []));
            file.SetLength(file.Length + Gigabytes);
        }
        var before = GC.GetAllocatedBytesForCurrentThread();
        using var opened = SafetensorsFile.Open(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        unsafe
        {
            Assert.Equal(0, opened.Tensors[0].Data[Gigabytes - 1]);
        }
    }

    [Fact]
    public unsafe void AfterDisposeTheFileIsUnmappedAndNothingCanBeRead()
    {
        using var model = TestModels.Write();
        var checkpoint = Checkpoint.Open(model.Path);
        var tensor = checkpoint.Get(TensorRole.FinalNorm);
        Assert.True(IsMapped(model));
        checkpoint.Dispose();
        checkpoint.Dispose();
        Assert.False(IsMapped(model));
        Assert.Throws<ObjectDisposedException>(() => checkpoint.Get(TensorRole.FinalNorm));
        Assert.Throws<ObjectDisposedException>(() => tensor.CopyTo(new float[tensor.Count]));
        Assert.Throws<ObjectDisposedException>(() => (nint)tensor.Data);
    }

    [Fact]
    public void RefusedModelLeavesNothingMapped()
    {
        using var model = TestModels.Write(new TestShape { Shards = 3 });
        File.Delete(model.File("model-00003-of-00003.safetensors"));
        Assert.Throws<CriaException>(() => Checkpoint.Open(model.Path));
        Assert.False(IsMapped(model));
    }

    [Fact]
    public unsafe void EmptyFileMapsToNothing()
    {
        using var folder = new TestModel();
        File.WriteAllBytes(folder.File("empty"), []);
        using var file = MappedFile.Open(folder.File("empty"));
        Assert.Equal(0, file.Length);
        Assert.True(file.Pointer == null);
    }

    [Fact]
    public void WhatCannotBeOpenedIsOneError()
    {
        using var folder = new TestModel();
        Assert.Throws<CriaException>(() => MappedFile.Open(folder.File("nothing")));
        Assert.Contains("a directory", Assert.Throws<CriaException>(() => MappedFile.Open(folder.Path)).Message);
        Assert.Throws<CriaException>(() => MappedFile.Open(folder.File("no\0name")));
    }

    static bool IsMapped(TestModel model)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux lists what is mapped");
        return File.ReadAllText("/proc/self/maps").Contains(model.Path);
    }
}
